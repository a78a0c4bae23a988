#![no_main]

use libfuzzer_sys::fuzz_target;
use parlance_tests::fuzz;

fuzz_target!(|data: &[u8]| fuzz::xccos_client(data));
