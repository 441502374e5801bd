//! Export of all keys, and import of that into an empty server: the time, what both sides need in memory, and that a second
//! export gives the same bytes.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use super::{Node, mebibytes, run, seconds};
use crate::error::{Error, Result};
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal};
use crate::scenario::KONSUL;

const PART: &str = "Export and import by konsulctl";

/// Flat: a small part of what a million keys take.
const FLAT_MEBIBYTES: f64 = 64.0;

pub(super) fn transfer(bench: &mut Bench, full: &Node) -> Result<()> {
    let keys = bench.plan.volume;
    say(&format!("exporting {keys} keys"));
    let first = full.folder.path().join("first.ndjson");
    export(bench, full, &first)?;
    let empty = Node::start(bench)?;
    say(&format!("importing {keys} keys"));
    import(bench, full, &empty, &first)?;
    empty.has(keys)?;
    let second = empty.folder.path().join("second.ndjson");
    run(bench, &empty, &["kv", "export", "--to", &second.display().to_string()])?;
    same(&first, &second)?;
    empty.server.stop()
}

fn export(bench: &mut Bench, full: &Node, file: &Path) -> Result<()> {
    let keys = bench.plan.volume;
    let what = format!("export of {keys} keys");
    let run = run(bench, full, &["kv", "export", "--to", &file.display().to_string()])?;
    let bytes =
        std::fs::metadata(file).map_err(|why| Error::file(format!("read {}", file.display()), why))?.len();
    bench.report.add(PART, &what, KONSUL, Figure::Milliseconds, run.took.as_secs_f64() * 1e3);
    mebibytes(bench, PART, &format!("{what}: the file"), bytes);
    let client = mebibytes(bench, PART, &format!("{what}: konsulctl, at most"), run.client_peak);
    let grew = run.server_peak.saturating_sub(run.server_before);
    let server = mebibytes(bench, PART, &format!("{what}: the server beyond what it had, at most"), grew);
    seconds(bench, &what, run.took, 60.0);
    bench.report.judge(
        &format!("{what}: memory of konsulctl, MiB"),
        vec![client],
        Goal::AtMost(FLAT_MEBIBYTES),
    );
    bench.report.judge(
        &format!("{what}: growth of the server, MiB"),
        vec![server],
        Goal::AtMost(FLAT_MEBIBYTES),
    );
    Ok(())
}

fn import(bench: &mut Bench, full: &Node, empty: &Node, file: &Path) -> Result<()> {
    let keys = bench.plan.volume;
    let what = format!("import of {keys} keys");
    let run = run(bench, empty, &["kv", "import", &file.display().to_string()])?;
    empty.server.process.until_quiet()?;
    bench.report.add(PART, &what, KONSUL, Figure::Milliseconds, run.took.as_secs_f64() * 1e3);
    let client = mebibytes(bench, PART, &format!("{what}: konsulctl, at most"), run.client_peak);
    mebibytes(bench, PART, &format!("{what}: the server, at most"), run.server_peak);
    mebibytes(bench, PART, &format!("{what}: the server afterwards"), empty.server.process.memory()?);
    let written = full.server.process.memory()?;
    mebibytes(bench, PART, &format!("{what}: a server to which they were written"), written);
    seconds(bench, &what, run.took, 60.0);
    bench.report.judge(
        &format!("{what}: memory of konsulctl, MiB"),
        vec![client],
        Goal::AtMost(FLAT_MEBIBYTES),
    );
    // What is imported stays. So the server is beside one that came to the same keys by writes.
    let ratio = run.server_peak as f64 / written as f64;
    let stated = format!("{what}: memory of the server, at most / of one to which they were written");
    bench.report.judge(&stated, vec![ratio], Goal::AtMost(1.25));
    Ok(())
}

/// Whether two files have the same bytes.
fn same(one: &Path, other: &Path) -> Result<()> {
    const PIECE: usize = 1 << 20;
    let open = |path: &Path| {
        File::open(path)
            .map_err(|why| Error::file(format!("read {}", path.display()), why))
            .map(BufReader::new)
    };
    let (mut one_file, mut other_file) = (open(one)?, open(other)?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        let fault = |why| Error::file("compare exports", why);
        one_file.by_ref().take(PIECE as u64).read_to_end(&mut left).map_err(fault)?;
        other_file.by_ref().take(PIECE as u64).read_to_end(&mut right).map_err(fault)?;
        if left != right {
            let (one, other) = (one.display(), other.display());
            return Err(Error::Process(format!("{one} and {other} are not the same export")));
        }
        if left.is_empty() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_compared_to_their_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("it is writable");
            path
        };
        let long = vec![7_u8; (1 << 20) + 9];
        let (one, again) = (write("one", &long), write("again", &long));
        same(&one, &again).expect("they are the same");
        assert!(same(&one, &write("shorter", &long[1..])).is_err());
        let mut other = long.clone();
        *other.last_mut().expect("it is long") = 8;
        assert!(same(&one, &write("other", &other)).is_err());
    }
}
