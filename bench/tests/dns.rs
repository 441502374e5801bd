//! The side of the benchmark that speaks DNS, in one process: it takes answers apart, refuses what is none, and the echo sends
//! back what came.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};
use konsul_bench::error::Error;
use konsul_bench::load::{Kind, resolve};
use konsul_bench::server::serve_echo;

/// Answers every question by what `answer` makes of it, for as long as the test runs.
fn server(answer: impl Fn(Message) -> Message + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let question = Message::from_vec(&packet[..length]).expect("a question");
            let bytes = answer(question).to_vec().expect("it can be written");
            socket.send_to(&bytes, from).expect("it can be sent");
        }
    });
    address
}

fn with_addresses(question: Message, last: &[u8]) -> Message {
    let mut answer = question.into_response();
    let name = answer.queries[0].name().clone();
    for byte in last {
        answer.add_answer(Record::from_rdata(name.clone(), 0, RData::A(A::new(10, 0, 0, *byte))));
    }
    answer
}

#[test]
fn answers_are_taken_apart_in_any_order() {
    let one = server(|question| with_addresses(question, &[1, 2]));
    let other = server(|question| with_addresses(question, &[2, 1]));
    let said = resolve(one, "web.service.consul.", Kind::A).expect("it answers");
    assert_eq!(
        said.answers.iter().map(String::as_str).collect::<Vec<_>>(),
        ["web.service.consul. 0 IN A 10.0.0.1", "web.service.consul. 0 IN A 10.0.0.2"]
    );
    assert_eq!(said, resolve(other, "web.service.consul.", Kind::A).expect("it answers"));
}

#[test]
fn what_is_no_good_answer_is_an_error() {
    let refused = server(|question| {
        let mut answer = question.into_response();
        answer.metadata.response_code = ResponseCode::NXDomain;
        answer
    });
    let another = server(|question| {
        let mut answer = question.into_response();
        answer.metadata.id = answer.metadata.id.wrapping_add(1);
        answer
    });
    let cut = server(|question| {
        let mut answer = with_addresses(question, &[1]);
        answer.metadata.truncation = true;
        answer
    });
    for address in [refused, another, cut, echo()] {
        let error = resolve(address, "web.service.consul.", Kind::A).expect_err("no good answer");
        assert!(matches!(error, Error::Dns(_)), "{error}");
    }
}

/// The echo on a free port, for as long as the test runs.
fn echo() -> SocketAddr {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    std::thread::spawn(move || serve_echo(address));
    let end = Instant::now() + Duration::from_secs(10);
    while asked(address, b"?").is_err() {
        assert!(Instant::now() < end, "the echo does not answer on {address}");
    }
    address
}

fn asked(address: SocketAddr, packet: &[u8]) -> std::io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    socket.send_to(packet, address)?;
    let mut back = vec![0; 4096];
    let (length, from) = socket.recv_from(&mut back)?;
    assert_eq!(from, address);
    back.truncate(length);
    Ok(back)
}

#[test]
fn the_echo_sends_back_what_came_to_whom_it_came_from() {
    let address = echo();
    // Many at once, so that some of them come by one call.
    let asking: Vec<_> = (0..40_u8)
        .map(|number| {
            let packet = vec![number; 1 + usize::from(number) * 12];
            std::thread::spawn(move || (asked(address, &packet).expect("it answers"), packet))
        })
        .collect();
    for thread in asking {
        let (back, packet) = thread.join().expect("it was answered");
        assert_eq!(back, packet);
    }
}
