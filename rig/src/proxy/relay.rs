//! Passes on what a worker and the server say, and loses some of it.

use super::answers::Answers;
use super::door::Door;
use super::questions::{Questions, lock};
use super::wire::{Hello, Message};
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncWriteExt as _, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) type Reader = BufReader<OwnedReadHalf>;
pub(super) type Writer = BufWriter<OwnedWriteHalf>;

/// Serves everyone who comes through this door until stopped.
pub(super) async fn serve(door: Arc<Door>, listener: TcpListener, stop: CancellationToken) {
    let mut relays = JoinSet::new();
    loop {
        let came = tokio::select! {
            came = listener.accept() => came,
            () = stop.cancelled() => break,
        };
        while relays.try_join_next().is_some() {}
        match came {
            Ok((client, _)) => {
                relays.spawn(relay(door.clone(), client));
            }
            Err(error) => tracing::warn!(error = %error, "A worker could not come through"),
        }
    }
    relays.shutdown().await;
}

/// One connection. Whoever closes, both sides are closed.
async fn relay(door: Arc<Door>, client: TcpStream) {
    let silence = door.silence.subscribe();
    // A server that refuses is away: the client is refused as well.
    let Ok(server) = TcpStream::connect(door.orders.server()).await else {
        let _ = client.set_zero_linger();
        return;
    };
    if let Err(error) = through(&door, client, server, silence).await {
        tracing::debug!(error = %error, "A connection through the door ended");
    }
}

async fn through(
    door: &Door,
    client: TcpStream,
    server: TcpStream,
    silence: watch::Receiver<()>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = halves(client);
    let (from_server, mut to_server) = halves(server);
    greet(&mut from_client, &mut to_client, &mut to_server).await?;
    let questions = Mutex::new(Questions::default());
    tokio::select! {
        ended = ask(&questions, from_client, to_server) => ended,
        ended = Answers::new(door, &questions, to_client).pass_on(from_server) => ended,
        () = until_silenced(&questions, silence) => Ok(()),
    }
}

fn halves(stream: TcpStream) -> (Reader, Writer) {
    let (reader, writer) = stream.into_split();
    (BufReader::new(reader), BufWriter::new(writer))
}

/// The words before the first message; encryption is not to be had on this machine.
async fn greet(client: &mut Reader, back: &mut Writer, server: &mut Writer) -> io::Result<()> {
    loop {
        match Hello::read(client).await? {
            Hello::Encrypted => {
                back.write_all(b"N").await?;
                back.flush().await?;
            }
            Hello::Plain(bytes) => {
                server.write_all(&bytes).await?;
                return server.flush().await;
            }
        }
    }
}

async fn ask(questions: &Mutex<Questions>, mut from: Reader, mut to: Writer) -> io::Result<()> {
    loop {
        let message = Message::read(&mut from).await?;
        lock(questions).note(&message);
        to.write_all(&message.bytes).await?;
        if from.buffer().is_empty() {
            to.flush().await?;
        }
    }
}

/// Returns when this connection is the worker's sign of life, and that is to be cut.
async fn until_silenced(questions: &Mutex<Questions>, mut silence: watch::Receiver<()>) {
    while silence.changed().await.is_ok() {
        if lock(questions).is_lifeline {
            return;
        }
    }
}
