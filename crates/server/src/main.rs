//! The program: its command line.

mod cli;

use std::io::Write as _;
use std::process::ExitCode;

use bursar::compose::SetupError;
use clap::Parser as _;

/// The system's own allocator took about a fifth of the time of a payment.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    #[cfg(feature = "lambda")]
    if bursar::lambda::is_here() {
        return ended(bursar::lambda::run().await);
    }
    ended(Box::pin(cli::Cli::parse().run()).await)
}

fn ended(result: Result<(), SetupError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bursar: {error}");
            ExitCode::FAILURE
        }
    }
}
