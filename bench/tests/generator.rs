//! The load generator against the empty handler, in one process: it counts what was answered, keeps to a rate, and does not
//! accept a wrong answer.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use konsul_bench::cpu::Process;
use konsul_bench::error::Error;
use konsul_bench::load::{Herd, Load, closed, closed_while, fill, open};
use konsul_bench::server::{BODY, serve_empty};
use konsul_bench::work::catalog::Same;
use konsul_bench::work::{Dialect, Get, Keys, Nothing};

/// The empty handler on a free port, for as long as the test runs.
fn server() -> SocketAddr {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    std::thread::spawn(move || serve_empty(address, b"[served]".to_vec()));
    let end = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < end, "the empty handler does not listen on {address}");
        std::thread::yield_now();
    }
    address
}

fn load(address: SocketAddr, process: &Process) -> Load<'_> {
    Load {
        address,
        server: process,
        connections: 8,
        warm_up: Duration::from_millis(20),
        measure: Duration::from_millis(300),
    }
}

#[test]
fn a_closed_loop_counts_and_times() {
    let process = Process::new(std::process::id());
    let sample = closed(&load(server(), &process), &mut Nothing::GetAsLarge).expect("it answers");
    assert!(sample.requests > 8, "{sample:?}");
    assert!(
        sample.p50_us > 0.0 && sample.p50_us <= sample.p99_us && sample.p99_us <= sample.max_us,
        "{sample:?}"
    );
}

#[test]
fn an_open_loop_keeps_to_its_rate() {
    let process = Process::new(std::process::id());
    let sample = open(&load(server(), &process), 200.0, &mut Nothing::Put).expect("it answers");
    // Sixty are due in the measured part; the machine may be slow, but never fast.
    assert!((1..=90).contains(&sample.requests), "{sample:?}");
}

#[test]
fn filling_sends_exactly_so_many() {
    struct Counted(u64);
    impl konsul_bench::load::Work for Counted {
        fn write(&mut self, out: &mut Vec<u8>) {
            self.0 += 1;
            Nothing::Get.write(out);
        }
        fn judge(&self, response: &konsul_bench::load::Response<'_>) -> Result<(), Error> {
            Nothing::Get.judge(response)
        }
    }
    let mut counted = Counted(0);
    fill(server(), 8, 1_001, &mut counted).expect("it answers");
    assert_eq!(counted.0, 1_001);
}

#[test]
fn a_load_goes_on_for_as_long_as_it_is_told_to() {
    let process = Process::new(std::process::id());
    let mut turns = 0;
    let sample =
        closed_while(&load(server(), &process), &mut Same::new(BODY, b"[served]".to_vec()), &mut || {
            turns += 1;
            Ok(turns <= 100)
        });
    let sample = sample.expect("it answers");
    assert!((1..=800).contains(&sample.requests), "a hundred turns with eight connections: {sample:?}");
    let stopped = closed_while(&load(server(), &process), &mut Nothing::Get, &mut || Err(Error::Closed));
    assert!(matches!(stopped, Err(Error::Closed)), "what goes wrong beside the load ends it");
}

#[test]
fn other_bytes_than_before_end_the_run() {
    let process = Process::new(std::process::id());
    let mut work = Same::new(BODY, b"[server]".to_vec());
    let error = closed(&load(server(), &process), &mut work).expect_err("it serves other bytes");
    assert!(matches!(error, Error::Wrong { status: 200, .. }), "{error}");
}

#[test]
fn a_herd_that_is_answered_was_not_parked() {
    let address = server();
    let process = Process::new(std::process::id());
    let mut herd = Herd::connect(address, 3).expect("it listens");
    let error = herd.park_each(|_| BODY, &process).expect_err("the empty handler parks nobody");
    assert!(matches!(&error, Error::Unparked(body) if body == "[served]"), "{error}");
}

#[test]
fn a_wrong_answer_ends_the_run() {
    let process = Process::new(std::process::id());
    let mut work = Get::new(Dialect::Konsul, Keys::random(10));
    let error = closed(&load(server(), &process), &mut work).expect_err("`true` is no entry");
    assert!(matches!(error, Error::Wrong { status: 200, .. }), "{error}");
}
