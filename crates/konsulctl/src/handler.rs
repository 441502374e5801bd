//! A command that is run for what happened: it gets JSON on its standard input, and its end says how it went.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::child::{Child, Spec, Stdin, code_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::signals::Signals;

/// From SIGTERM to SIGKILL, when the command that runs it is asked to end.
const GRACE: Duration = Duration::from_secs(5);

/// A command for what happens.
#[derive(Debug, Clone)]
pub(crate) struct Handler {
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
}

impl Handler {
    /// Runs it once. The failure of a handler that ends badly has its exit code in its words.
    ///
    /// A signal meanwhile stops it, and comes back as a failure that is told already.
    pub(crate) async fn run(
        &self,
        input: &[u8],
        env: Vec<(String, String)>,
        signals: &mut Signals,
    ) -> Result<(), Failure> {
        let spec = Spec { words: self.words.clone(), env, stdin: Stdin::Piped };
        let mut child = Child::start(&spec).map_err(|error| self.failed(&error.to_string()))?;
        let stdin = child.stdin();
        let ended = {
            let feed = async {
                let Some(mut stdin) = stdin else { return Ok(()) };
                stdin.write_all(input).await?;
                stdin.shutdown().await
            };
            tokio::select! {
                (fed, status) = async { tokio::join!(feed, child.wait()) } => Ok((fed, status)),
                code = signals.next() => Err(code),
            }
        };
        match ended {
            Ok((fed, status)) => self.judge(fed, status),
            Err(code) => {
                // It was asked to end because we were: how it did so changes nothing.
                let _ = child.stop(GRACE).await;
                Err(Failure::Told(code))
            }
        }
    }

    fn judge(
        &self,
        fed: io::Result<()>,
        status: io::Result<std::process::ExitStatus>,
    ) -> Result<(), Failure> {
        match status {
            Ok(status) if !status.success() => {
                Err(self.failed(&format!("it ended with {}", code_of(status))))
            }
            Err(error) => Err(self.failed(&error.to_string())),
            // A handler need not read what it does not want to know.
            Ok(_) => match fed {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(self.failed(&error.to_string()))
                }
                _ => Ok(()),
            },
        }
    }

    fn failed(&self, why: &str) -> Failure {
        Failure::with(Exit::Failed, format!("the command {:?} failed: {why}", self.words.join(" ")))
    }
}
