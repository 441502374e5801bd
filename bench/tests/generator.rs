//! The load generator against the empty handler, in one process: it counts what was answered, keeps to a rate, and does not
//! accept a wrong answer.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use konsul_bench::cpu::Process;
use konsul_bench::error::Error;
use konsul_bench::load::{Load, closed, fill, open};
use konsul_bench::server::serve_empty;
use konsul_bench::work::{Dialect, Get, Keys, Nothing};

/// The empty handler on a free port, for as long as the test runs.
fn server() -> SocketAddr {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    std::thread::spawn(move || serve_empty(address));
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
fn a_wrong_answer_ends_the_run() {
    let process = Process::new(std::process::id());
    let mut work = Get::new(Dialect::Konsul, Keys::random(10));
    let error = closed(&load(server(), &process), &mut work).expect_err("`true` is no entry");
    assert!(matches!(error, Error::Wrong { status: 200, .. }), "{error}");
}
