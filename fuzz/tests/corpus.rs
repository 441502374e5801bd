//! Every target over its checked-in corpus, its seeds, and mutations of both.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use konsul_fuzz::mutate::{Dice, mutate};
use konsul_fuzz::{Target, corpus, find};

/// Mutations for each target. The same ones each time: what fails here fails again.
const MUTATIONS: usize = 2000;

/// Memory is counted for the whole process, so targets run one after another.
static TURN: Mutex<()> = Mutex::new(());

fn over_corpus_and_mutations(name: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let target = find(name).expect("a target of that name");
    let checked_in = corpus::read(&corpus::checked_in(name)).expect("the corpus can be read");
    assert!(!checked_in.is_empty(), "{name} has an empty corpus");
    let mut inputs: Vec<Vec<u8>> = checked_in.into_iter().map(|(_, bytes)| bytes).collect();
    inputs.extend((target.seeds)());
    inputs.iter().for_each(|bytes| check(target, bytes));
    let mut dice = Dice::new(0x6B6F_6E73);
    for _ in 0..MUTATIONS {
        let (input, other) = (&inputs[dice.below(inputs.len())], &inputs[dice.below(inputs.len())]);
        check(target, &mutate(input, other, target.input_bytes_max, &mut dice));
    }
}

/// Says which bytes it was before it fails.
#[allow(clippy::print_stderr)]
fn check(target: &Target, bytes: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target.check(bytes))) {
        let file = std::env::temp_dir().join(format!("konsul-fuzz-{}-{}", target.name, std::process::id()));
        let kept = std::fs::write(&file, bytes);
        eprintln!(
            "{}: finding; its input ({} bytes) is in {} ({kept:?})",
            target.name,
            bytes.len(),
            file.display()
        );
        std::panic::resume_unwind(panic);
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                over_corpus_and_mutations(stringify!($name));
            }
        )*

        #[test]
        fn no_target_is_left_out() {
            let tested = [$(stringify!($name)),*];
            for target in konsul_fuzz::targets::ALL {
                assert!(tested.contains(&target.name), "{} has no test here", target.name);
            }
        }
    };
}

targets! { wal snapshot archive state commands path query session txn batch cursor ndjson config definitions dns duration filter http }
