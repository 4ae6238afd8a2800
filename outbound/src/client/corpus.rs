//! What people may paste, as a whole: each URL is taken through saving and calling, and none of them
//! connects to anything of ours.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::tests::{HELLO, Server, get, resolving};
use super::*;
use crate::OutboundUrl;

/// Where a URL of the corpus is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    /// It cannot even be written down.
    Writing,
    /// It is never called.
    Calling,
}

/// Names of an attacker, and what they resolve to.
const NAMES: [(&str, &[&str]); 12] = [
    ("loopback.example", &["127.0.0.1"]),
    ("loopback6.example", &["::1"]),
    ("mapped.example", &["::ffff:127.0.0.1"]),
    ("private.example", &["10.0.0.1"]),
    ("private6.example", &["fd00::1"]),
    ("metadata.example", &["169.254.169.254"]),
    ("nat64.example", &["64:ff9b::7f00:1"]),
    ("unspecified.example", &["0.0.0.0"]),
    ("mixed.example", &["93.184.215.14", "127.0.0.1"]),
    ("mixed6.example", &["2606:4700::1111", "::1"]),
    (
        "many.example",
        &["93.184.215.14", "93.184.215.15", "192.168.1.1"],
    ),
    ("nothing.example", &[]),
];

/// Hosts that are this machine, its network, or nobody's server; each by `https` and by `http`.
const HOSTS: [&str; 74] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.255.255.255",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0177.0x0.1",
    "00000177.0.0.1",
    "%31%32%37.0.0.1",
    "１２７.0.0.1",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "0",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "0x0a000001",
    "167772161",
    "012.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "3232235521",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "168.63.129.16",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::]",
    "[2001:0:7f00:1::]",
    "[2001:db8::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "[5f00::1]",
    "localhost",
    "LOCALHOST.",
    "app.localhost",
    "metadata.google.internal",
    "crm.internal",
    "printer.local",
];

/// URLs that are wrong in another way.
const OTHERS: [(&str, Stopped); 34] = [
    ("", Stopped::Writing),
    ("//127.0.0.1/", Stopped::Writing),
    ("127.0.0.1:443", Stopped::Writing),
    ("file:///etc/passwd", Stopped::Writing),
    ("gopher://127.0.0.1:25/_x", Stopped::Writing),
    ("dict://127.0.0.1:11211/", Stopped::Writing),
    ("ftp://127.0.0.1/", Stopped::Writing),
    ("ldap://127.0.0.1/", Stopped::Writing),
    ("jar:https://a.example!/", Stopped::Writing),
    ("data:text/plain,x", Stopped::Writing),
    ("javascript:alert(1)", Stopped::Writing),
    ("ws://a.example/", Stopped::Writing),
    ("unix:///var/run/docker.sock", Stopped::Writing),
    ("https://user@a.example/", Stopped::Writing),
    ("https://user:secret@a.example/", Stopped::Writing),
    ("https://a.example@127.0.0.1/", Stopped::Writing),
    ("https://127.0.0.1\\@a.example/", Stopped::Writing),
    ("https:\\\\127.0.0.1/", Stopped::Writing),
    ("https://127.0.0.1\t/", Stopped::Writing),
    ("https://127.0.\n0.1/", Stopped::Writing),
    (" https://127.0.0.1/", Stopped::Writing),
    ("https://[::1/", Stopped::Writing),
    ("https://[fe80::1%25eth0]/", Stopped::Writing),
    ("https://a.example:0/", Stopped::Writing),
    ("https://a.example:65536/", Stopped::Writing),
    ("https://a.example/#127.0.0.1", Stopped::Writing),
    ("http://a.example/", Stopped::Writing),
    ("http://8.8.8.8/", Stopped::Writing),
    ("https://a.example:22/", Stopped::Calling),
    ("https://a.example:80/", Stopped::Calling),
    ("https://a.example:6379/", Stopped::Calling),
    ("https://8.8.8.8:5432/", Stopped::Calling),
    ("https://intranet/", Stopped::Calling),
    ("https://nas.home.arpa/", Stopped::Calling),
];

/// Every URL of the corpus, with the port of a listener on this machine where it has room for one.
fn corpus(port: u16) -> Vec<String> {
    let names = NAMES.map(|(name, _)| name);
    let hosts = HOSTS.iter().chain(&names);
    let of_hosts = hosts.flat_map(|host| {
        ["https", "http"].map(|scheme| {
            [
                format!("{scheme}://{host}/x"),
                format!("{scheme}://{host}:{port}/x"),
            ]
        })
    });
    let others = OTHERS.map(|(url, _)| url.to_owned());
    of_hosts.flatten().chain(others).collect()
}

/// What the attacker's names resolve to; others are not there, so that nothing leaves this machine.
fn resolved(name: &str) -> Vec<IpAddr> {
    let known = NAMES.iter().filter(|(known, _)| *known == name);
    let addresses = known.flat_map(|(_, addresses)| *addresses);
    addresses.map(|text| text.parse().unwrap()).collect()
}

/// Listens on this machine, in both families where there are two, on one port.
async fn listening() -> (u16, Arc<AtomicUsize>) {
    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = here.local_addr().unwrap().port();
    let mut listeners = vec![here];
    for other in ["127.0.0.2", "127.255.255.255", "[::1]"] {
        listeners.extend(TcpListener::bind(format!("{other}:{port}")).await.ok());
    }
    let connections = Arc::new(AtomicUsize::new(0));
    for listener in listeners {
        let counted = connections.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    (port, connections)
}

#[tokio::test]
async fn none_of_the_corpus_is_called() {
    let (port, connections) = listening().await;
    let lookup: Lookup = Arc::new(|name| Box::pin(async move { Ok(resolved(&name)) }));
    let client = Outbound::resolving_with(Guard::public_only(), &lookup).unwrap();
    let corpus = corpus(port);
    assert!(corpus.len() >= 120, "{}", corpus.len());
    for text in &corpus {
        // Whatever stands in the database is called without being read again.
        let Ok(url) = text.parse() else { continue };
        let received = client
            .call(
                reqwest::Request::new(Method::GET, url),
                Duration::from_secs(30),
                64,
            )
            .await;
        let stopped = matches!(
            received.fault,
            Some(Fault::Forbidden | Fault::Dns | Fault::Unsendable)
        );
        assert!(
            stopped && received.head.is_none(),
            "{text}: {:?}",
            received.fault
        );
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[test]
fn each_of_them_is_stopped_where_it_can_be_known() {
    for (text, stopped) in OTHERS {
        let written = OutboundUrl::parse(text);
        assert_eq!(written.is_err(), stopped == Stopped::Writing, "{text}");
        let Ok(url) = written else { continue };
        assert!(Guard::public_only().admits(url.as_url()).is_err(), "{text}");
    }
    for host in HOSTS {
        for scheme in ["https", "http"] {
            let Ok(url) = OutboundUrl::parse(&format!("{scheme}://{host}/")) else {
                continue;
            };
            assert!(Guard::public_only().admits(url.as_url()).is_err(), "{host}");
        }
    }
    let long = format!("https://{}example/", "a.".repeat(130));
    assert!(OutboundUrl::parse(&long).is_err());
    for good in [
        "https://hooks.example.com/a?b=c",
        "https://a.example:8443/",
        "https://8.8.8.8/",
    ] {
        let url = OutboundUrl::parse(good).unwrap();
        assert!(Guard::public_only().admits(url.as_url()).is_ok(), "{good}");
    }
}

#[tokio::test]
async fn of_ten_thousand_calls_to_a_name_that_rebinds_none_reaches_what_is_not_allowed() {
    const CALLS: usize = 10_000;
    let (outside, inside) = (Server::saying(HELLO).await, Server::saying(HELLO).await);
    // Here 127.0.0.1 is allowed and stands for the outside, whose server has the name; every other
    // answer leads to this machine by another way, to its network, or to both at once.
    let answers: [&[&str]; 8] = [
        &["127.0.0.1"],
        &["127.0.0.2"],
        &["::1"],
        &["::ffff:127.0.0.3"],
        &["10.0.0.1", "192.168.1.1"],
        &["169.254.169.254"],
        &["127.0.0.1", "169.254.169.254"],
        &[],
    ];
    let client = resolving(Guard::allow(["127.0.0.1"]).unwrap(), &answers);
    let (mut calls, mut taken, mut refused) = (JoinSet::new(), 0, 0);
    let mut count = |fault: Option<Fault>| match fault {
        None => taken += 1,
        Some(Fault::Forbidden | Fault::Dns) => refused += 1,
        Some(fault) => panic!("{fault:?}"),
    };
    for call in 0..CALLS {
        // Each answer is met by both servers' ports.
        let (round, answer) = (call / answers.len(), call % answers.len());
        let url = match round.is_multiple_of(2) || answer == 0 {
            true => outside.url("rebinding.example"),
            false => inside.url("rebinding.example"),
        };
        let client = client.clone();
        calls.spawn(async move { get(&client, url).await.fault });
        // One after the other, so that each call meets the next answer.
        if let Some(fault) = calls.join_next().await {
            count(fault.unwrap());
        }
    }
    let allowed = CALLS / answers.len();
    assert_eq!((taken, refused), (allowed, CALLS - allowed));
    assert_eq!((outside.connections(), inside.connections()), (allowed, 0));
}
