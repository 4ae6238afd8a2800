//! The `leadrail` binary.

fn main() -> std::process::ExitCode {
    leadrail::main()
}
