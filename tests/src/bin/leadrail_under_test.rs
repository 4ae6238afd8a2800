//! The `leadrail` binary with failpoints: the same program, but a test may kill it at named places.

fn main() -> std::process::ExitCode {
    leadrail::main()
}
