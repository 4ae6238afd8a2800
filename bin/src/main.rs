//! The `leadrail` binary.

/// Decision 0010: runs are many small allocations that are made and freed on different threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    leadrail::main()
}
