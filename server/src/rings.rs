//! Rings from a kernel that is short of pages for a moment.
//!
//! While the page cache has nearly all memory, the kernel may refuse the pages of a ring (ENOMEM)
//! that it could give a moment later: it takes what is free just then and does not wait for the
//! cache to make room. Under that pressure it happens once in some ten thousand rings, and a server
//! that did not start for it would stay down in the middle of the night.

use glommio::{GlommioError, LocalExecutor, LocalExecutorBuilder};
use rustix::io::Errno;
use rustix::io_uring::{io_uring_params, io_uring_setup};
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// Entries of a ring that is only tried.
const SMALLEST: u32 = 2;
/// How long it is tried. Without memory for longer there is another reason, such as a low limit of
/// locked memory in older kernels.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often.
const AGAIN_EVERY: Duration = Duration::from_millis(10);

/// Does the kernel give this process a ring? In a container it often may not.
///
/// # Errors
/// The system's.
#[allow(unsafe_code)]
pub fn allowed() -> Result<(), Errno> {
    patiently(
        PATIENCE,
        |error| *error == Errno::NOMEM,
        || {
            let mut parameters = io_uring_params::default();
            // SAFETY: the parameters are ours and valid, nothing is mapped or submitted, and the
            // descriptor is closed at once.
            let ring = unsafe { io_uring_setup(SMALLEST, &mut parameters) };
            ring.map(drop)
        },
    )
}

/// Makes an executor for this thread.
///
/// # Errors
/// The system's.
pub fn executor(builder: impl Fn() -> LocalExecutorBuilder) -> Result<LocalExecutor, String> {
    patiently(PATIENCE, is_short_of_memory, || builder().make()).map_err(|error| error.to_string())
}

fn is_short_of_memory(error: &GlommioError<()>) -> bool {
    matches!(error, GlommioError::IoError(error) if error.kind() == ErrorKind::OutOfMemory)
}

/// Tries again while the error is one that passes, and patience lasts.
fn patiently<T, E>(
    patience: Duration,
    passes: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let end = Instant::now() + patience;
    loop {
        match attempt() {
            Err(error) if passes(&error) && Instant::now() < end => std::thread::sleep(AGAIN_EVERY),
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of an attempt that fails so often, and how often it was made.
    fn try_it(failures: u32, kind: ErrorKind, patience: Duration) -> (bool, u32) {
        let mut attempts = 0;
        let outcome = patiently(patience, is_short_of_memory, || {
            attempts += 1;
            match attempts > failures {
                true => Ok(()),
                false => Err(GlommioError::IoError(kind.into())),
            }
        });
        (outcome.is_ok(), attempts)
    }

    #[test]
    fn a_lack_of_memory_passes_and_nothing_else_does() {
        assert_eq!(try_it(3, ErrorKind::OutOfMemory, PATIENCE), (true, 4));
        assert_eq!(try_it(3, ErrorKind::PermissionDenied, PATIENCE), (false, 1));
        assert_eq!(try_it(u32::MAX, ErrorKind::OutOfMemory, Duration::ZERO), (false, 1));
    }
}
