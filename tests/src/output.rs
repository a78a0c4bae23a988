//! What a child process writes, read in the background so that it never has to wait for us.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, mpsc};
use std::time::Duration;

/// All that a stream has given so far.
#[derive(Debug)]
pub struct Collected(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stream: Mutex<Stream>,
    has_changed: Condvar,
}

#[derive(Debug, Default)]
struct Stream {
    text: String,
    is_closed: bool,
}

impl Collected {
    /// What is there.
    pub fn text(&self) -> String {
        self.0.stream.lock().expect("nobody panics with it").text.clone()
    }

    /// What is there when `part` is in it, or when it still is not after `patience`.
    pub fn until_it_has(&self, part: &str, patience: Duration) -> String {
        self.wait_while(patience, |stream| !stream.text.contains(part)).text.clone()
    }

    /// Waits until nothing more can come; false when that is not so after `patience`.
    pub fn until_closed(&self, patience: Duration) -> bool {
        self.wait_while(patience, |stream| !stream.is_closed).is_closed
    }

    fn wait_while(
        &self,
        patience: Duration,
        condition: impl FnMut(&mut Stream) -> bool,
    ) -> MutexGuard<'_, Stream> {
        let stream = self.0.stream.lock().expect("nobody panics with it");
        let waited = self.0.has_changed.wait_timeout_while(stream, patience, condition);
        waited.expect("nobody panics with it").0
    }
}

/// Reads a stream to its end; what is there can be looked at any time.
pub fn collect(stream: impl Read + Send + 'static) -> Collected {
    let shared = Arc::<Shared>::default();
    let sink = Arc::clone(&shared);
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        loop {
            let line = lines.next();
            let mut stream = sink.stream.lock().expect("nobody panics with it");
            match &line {
                Some(line) => stream.text.extend([line, "\n"]),
                None => stream.is_closed = true,
            }
            sink.has_changed.notify_all();
            if line.is_none() {
                return;
            }
        }
    });
    Collected(shared)
}

/// Lines of a stream; the reader goes on so that the writer never blocks.
pub fn lines_of(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody listens after the first lines.
            let _ = sender.send(line);
        }
    });
    receiver
}
