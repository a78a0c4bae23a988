//! Where the kernel gives no ring, as in most containers, whoever asks for one is told so.

use parlance_tests::server::binary;
use std::process::Command;

/// Runs its arguments with `io_uring_setup` forbidden by a filter of system calls, as the usual
/// profile of containers forbids it.
const WITHOUT_RINGS: &str = "
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
load, jump, answer = 0x20, 0x15, 0x06
io_uring_setup, not_permitted, allow = 425, 0x00050001, 0x7fff0000
steps = [(load, 0, 0, 0), (jump, 0, 1, io_uring_setup),
         (answer, 0, 0, not_permitted), (answer, 0, 0, allow)]
steps = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack('HxxxxxxP', 4, ctypes.addressof(steps)))
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or \\
        libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program):
    sys.exit('no filter: %s' % os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
";

#[test]
fn a_forbidden_ring_is_no_panic() {
    let mut command = Command::new("python3");
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("parlance.toml");
    std::fs::write(&config, "[cores]\nio = \"uring\"\n").expect("a file");
    command.args(["-c", WITHOUT_RINGS]).arg(binary("parlance")).arg("check");
    command.arg("--config").arg(config);
    let Ok(output) = command.output() else {
        return println!("SKIPPED forbidden rings: no python3");
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    if stderr.contains("no filter") {
        return println!("SKIPPED forbidden rings: {stderr}");
    }
    assert!(said.contains("cores.io asks for io_uring: Operation not permitted"), "{said}");
    // A panic ends the program in the profile in which it is shipped.
    assert!(!stderr.contains("panicked"), "{stderr}");
}
