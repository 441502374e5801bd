//! `keygen`: a key as Consul's gossip takes it. Konsul has no gossip; a script that makes one and hands it on still runs.

use std::fs::File;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Command;

use crate::console::Console;
use crate::consul::leaf;
use crate::consul::words::arguments;
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Example:
  konsul keygen

32 random bytes in base64. Konsul takes `encrypt` in its configuration, and needs it for nothing: servers speak TLS.";

pub(crate) fn command() -> Command {
    leaf("konsul keygen [OPTIONS]", "Makes a gossip key, for scripts that want one", MORE)
        .arg(arguments("", "").hide(true))
}

pub(crate) fn run(console: &mut Console<'_>) -> Outcome {
    let mut key = [0; 32];
    let read = File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut key));
    read.map_err(|e| Failure::new(format!("Error reading random data: {e}")))?;
    console.line(STANDARD.encode(key))
}
