//! The whole process of an agent.

use konsul_config::Config;
use tokio::runtime::Runtime;

use crate::notify::Manager;
use crate::pid_file::PidFile;
use crate::signals::Signals;
use crate::{Agent, AgentError, Running};

/// Enough for the deepest handler of a debug build; the default is four times that.
const STACK_BYTES: usize = 512 * 1024;

/// Runs an agent until it is told to stop. `ready` is called once it serves.
///
/// # Errors
/// Why it did not start. An agent that served ends with `Ok`, whatever made it stop; one that was told twice ends the
/// process at once with exit code 1.
pub fn run(agent: Agent, config: Config, ready: impl FnOnce(&Running)) -> Result<(), AgentError> {
    let runtime = executor()?;
    let pid_file = config.pid_file.as_deref().map(PidFile::write).transpose()?;
    let result = runtime.block_on(serve(agent, config, ready));
    drop(pid_file);
    runtime.shutdown_background();
    result
}

fn executor() -> Result<Runtime, AgentError> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("worker")
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .map_err(AgentError::Runtime)
}

async fn serve(agent: Agent, config: Config, ready: impl FnOnce(&Running)) -> Result<(), AgentError> {
    let mut signals = Signals::listen()?;
    let manager = Manager::of_process();
    let running = tokio::select! {
        biased;
        started = agent.start(config) => started?,
        // Told to stop before it served: there is nothing to finish.
        _ = signals.end() => return Ok(()),
    };
    ready(&running);
    running.announce();
    manager.ready("serving");
    let reason = signals.until_stop(&running, &manager).await;
    manager.stopping();
    tokio::select! {
        biased;
        _ = running.stop(reason) => Ok(()),
        _ = signals.end() => std::process::exit(1),
    }
}
