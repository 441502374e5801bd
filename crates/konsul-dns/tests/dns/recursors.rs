//! Recursors: who is asked, what is passed on, what is followed. They are played by sockets of this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME};
use hickory_proto::rr::{Name, RData, Record};
use konsul_dns::{RecursorStrategy, Settings, Transport};
use konsul_runtime::time::{Duration, now};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{ask, client, read, show};
use crate::directory::{Fake, small};

/// What a recursor does with a question. `None` for nothing.
type Plays = fn(&Message) -> Option<Message>;

struct Recursor {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Recursor {
    /// On UDP and TCP; must be called on a runtime.
    async fn start(plays: Plays) -> Recursor {
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let udp = tokio::net::UdpSocket::bind(address).await.unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
                count.fetch_add(1, SeqCst);
                if let Some(reply) = plays(&read(&buffer[..length])) {
                    udp.send_to(&reply.to_vec().unwrap(), from).await.unwrap();
                }
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let mut length = [0; 2];
                stream.read_exact(&mut length).await.unwrap();
                let mut packet = vec![0; u16::from_be_bytes(length).into()];
                stream.read_exact(&mut packet).await.unwrap();
                let mut reply = plays(&read(&packet)).unwrap();
                reply.metadata.truncation = false;
                let bytes = reply.to_vec().unwrap();
                stream.write_all(&(bytes.len() as u16).to_be_bytes()).await.unwrap();
                stream.write_all(&bytes).await.unwrap();
            }
        });
        Recursor { address, asked }
    }

    fn count(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

fn reply(ask: &Message) -> Message {
    let mut reply = Message::response(ask.metadata.id, ask.metadata.op_code);
    reply.add_queries(ask.queries.clone());
    reply
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn knows(ask: &Message) -> Option<Message> {
    let mut reply = reply(ask);
    let asked = ask.queries[0].name().clone();
    if asked.to_string().eq_ignore_ascii_case("a.example.org.") {
        reply.add_answer(Record::from_rdata(asked, 300, RData::CNAME(CNAME(name("b.example.org.")))));
    }
    reply.add_answer(Record::from_rdata(name("b.example.org."), 60, RData::A(A::new(192, 0, 2, 1))));
    Some(reply)
}

fn silent(_: &Message) -> Option<Message> {
    None
}

fn fails(ask: &Message) -> Option<Message> {
    let mut reply = reply(ask);
    reply.metadata.response_code = ResponseCode::ServFail;
    Some(reply)
}

fn knows_nothing(ask: &Message) -> Option<Message> {
    let mut reply = reply(ask);
    reply.metadata.response_code = ResponseCode::NXDomain;
    Some(reply)
}

fn forges(ask: &Message) -> Option<Message> {
    let mut reply = knows(ask)?;
    reply.metadata.id ^= 1;
    Some(reply)
}

fn truncates(ask: &Message) -> Option<Message> {
    let mut reply = knows(ask)?;
    reply.metadata.truncation = true;
    Some(reply)
}

fn settings(recursors: &[&Recursor]) -> Settings {
    Settings {
        recursors: recursors.iter().map(|recursor| recursor.address).collect(),
        recursor_timeout: Duration::from_millis(200),
        additional_node_meta_txt: false,
        ..Settings::default()
    }
}

async fn get(fake: &Arc<Fake>, settings: Settings, question: &str, transport: Transport) -> Message {
    let client = client(fake, settings);
    read(&client.responder.respond(&ask(question).packet, client.from, transport).await.unwrap())
}

fn run<F: Future<Output = ()>>(test: F) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn foreign_names_are_passed_on_over_the_clients_transport() {
    run(async {
        let (recursor, fake) = (Recursor::start(truncates).await, small());
        let expect = ["b.example.org. 60 A 192.0.2.1"];
        let udp = get(&fake, settings(&[&recursor]), "b.example.org A", Transport::Udp).await;
        assert_eq!(show(&udp), [&["NoError tc ra"], &expect[..]].concat());
        assert_eq!(udp.metadata.id, 0x1234);
        let tcp = get(&fake, settings(&[&recursor]), "b.example.org A", Transport::Tcp).await;
        assert_eq!(show(&tcp), [&["NoError ra"], &expect[..]].concat());
        assert_eq!(recursor.count(), 1);
        let own = get(&fake, settings(&[&recursor]), "db.service.consul A", Transport::Udp).await;
        assert_eq!(show(&own)[0], "NoError aa ra");
        assert_eq!(recursor.count(), 1);
    });
}

#[test]
fn the_next_is_asked_where_one_fails_or_is_silent() {
    run(async {
        let (down, dead, good) =
            (Recursor::start(fails).await, Recursor::start(silent).await, Recursor::start(knows).await);
        let got = get(&small(), settings(&[&down, &dead, &good]), "b.example.org A", Transport::Udp).await;
        assert_eq!(got.answers.len(), 1);
        assert_eq!((down.count(), dead.count(), good.count()), (1, 1, 1));
        let got = get(&small(), settings(&[&down, &dead]), "b.example.org A", Transport::Udp).await;
        assert_eq!(show(&got), ["ServFail ra"]);
    });
}

#[test]
fn that_a_name_does_not_exist_is_an_answer() {
    run(async {
        let (none, good) = (Recursor::start(knows_nothing).await, Recursor::start(knows).await);
        let got = get(&small(), settings(&[&none, &good]), "b.example.org A", Transport::Udp).await;
        assert_eq!(show(&got), ["NXDomain ra"]);
        assert_eq!(good.count(), 0);
    });
}

#[test]
fn a_reply_to_another_question_is_not_taken() {
    run(async {
        let forger = Recursor::start(forges).await;
        let got = get(&small(), settings(&[&forger]), "b.example.org A", Transport::Udp).await;
        assert_eq!(show(&got), ["ServFail ra"]);
    });
}

#[test]
fn random_strategy_spreads() {
    run(async {
        let (one, other) = (Recursor::start(knows).await, Recursor::start(knows).await);
        let settings = Settings { recursor_strategy: RecursorStrategy::Random, ..settings(&[&one, &other]) };
        for _ in 0..60 {
            get(&small(), settings.clone(), "b.example.org A", Transport::Udp).await;
        }
        assert_eq!(one.count() + other.count(), 60);
        // Fewer than ten of sixty: once in fifty million runs.
        assert!(one.count() >= 10 && other.count() >= 10, "{} {}", one.count(), other.count());
    });
}

#[test]
fn host_names_are_followed_elsewhere_and_keep_their_ttl() {
    run(async {
        let (recursor, fake) = (Recursor::start(truncates).await, small());
        fake.add("out", "n1", &[], |one| one.address = "a.example.org".into());
        let address = "b.example.org. 60 A 192.0.2.1";
        let got = get(&fake, settings(&[&recursor]), "out.service.consul A", Transport::Udp).await;
        let expect = [
            "NoError aa ra",
            "a.example.org. 300 CNAME b.example.org.",
            address,
            "out.service.consul. 0 CNAME a.example.org.",
        ];
        assert_eq!(show(&got), expect);
        let got = get(&fake, settings(&[&recursor]), "out.service.consul SRV", Transport::Udp).await;
        assert_eq!(
            show(&got)[2..],
            ["+ a.example.org. 300 CNAME b.example.org.", "+ b.example.org. 60 A 192.0.2.1"]
        );
    });
}

#[test]
fn reverse_names_that_we_do_not_know_are_passed_on() {
    run(async {
        let recursor = Recursor::start(knows).await;
        let got = get(&small(), settings(&[&recursor]), "1.0.0.10.in-addr.arpa PTR", Transport::Udp).await;
        assert_eq!((got.answers.len(), recursor.count()), (1, 0));
        get(&small(), settings(&[&recursor]), "8.8.8.8.in-addr.arpa PTR", Transport::Udp).await;
        assert_eq!(recursor.count(), 1);
    });
}

#[test]
fn a_client_is_not_kept_longer_than_all_recursors_may_take() {
    run(async {
        let dead = Recursor::start(silent).await;
        let begin = now();
        let got = get(&small(), settings(&[&dead]), "b.example.org A", Transport::Udp).await;
        assert_eq!(show(&got), ["ServFail ra"]);
        assert!(begin.elapsed() >= Duration::from_millis(200));
    });
}
