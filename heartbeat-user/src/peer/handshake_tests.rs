//! The handshake over streams in memory, where each byte can be kept, changed, cut and played again.

use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{DuplexStream, ReadBuf, ReadHalf, WriteHalf, duplex, split};

use super::super::bounds::{MAX_BODY, MAX_FRAME};
use super::super::message::{HEADER_LEN, Kind};
use super::super::tests_support::{World, key};
use super::*;

const M: Network = Network::Management;

/// More than any message of these tests has, so that no writer waits for a reader.
const ROOM: usize = 4 << 20;

/// What was written to a stream, and goes nowhere else.
#[derive(Clone, Debug, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Tape {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

/// Writes to the tape as well.
#[derive(Debug)]
struct Taped<W>(W, Tape);

impl<W: AsyncWrite + Unpin> AsyncWrite for Taped<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            let mut tape = self.1.0.lock().expect("nobody panics with it");
            tape.extend_from_slice(&bytes[..*count]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A stream of these bytes, which then ends.
#[derive(Debug)]
struct Played(Vec<u8>, usize);

impl AsyncRead for Played {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let at = self.1;
        let count = out.remaining().min(self.0.len() - at);
        out.put_slice(&self.0[at..at + count]);
        self.1 += count;
        Poll::Ready(Ok(()))
    }
}

type Near = Linked<ReadHalf<DuplexStream>, Taped<WriteHalf<DuplexStream>>>;

/// Slot 1's end of a link that it dialled to slot 2, slot 2's end, and the tapes of both.
async fn linked(world: World) -> (Near, Near, Tape, Tape) {
    let (near, far) = duplex(ROOM);
    let (tape_1, tape_2) = (Tape::default(), Tape::default());
    let (own_1, own_2) = (
        world.membership(1, &[key(1)]),
        world.membership(2, &[key(1)]),
    );
    let ((read_1, write_1), (read_2, write_2)) = (split(near), split(far));
    let to = (2, M, world.address(2, M));
    let dialled = dial(&own_1, to, read_1, Taped(write_1, tape_1.clone()));
    let from = (M, world.address(1, M));
    let accepted = accept(&own_2, from, read_2, Taped(write_2, tape_2.clone()));
    let (one, two) = tokio::join!(dialled, accepted);
    (
        one.expect("dialled"),
        two.expect("accepted"),
        tape_1,
        tape_2,
    )
}

/// What slot `slot` makes of these bytes from slot 1's address.
async fn accepts(world: World, slot: Slot, bytes: Vec<u8>) -> Result<Slot, HandshakeError> {
    let own = world.membership(slot, &[key(1)]);
    let from = (M, world.address(1, M));
    let accepted = accept(&own, from, Played(bytes, 0), Tape::default()).await;
    accepted.map(|linked| linked.facts.peer)
}

impl AsyncWrite for Tape {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut tape = self.0.lock().expect("nobody panics with it");
        tape.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[tokio::test]
async fn nothing_of_a_message_can_be_read_from_the_wire() {
    let (mut one, mut two, tape, _) = linked(World::new()).await;
    let secret = b"what nobody else may read";
    let message = Message::OneWay {
        kind: Some(Kind::Store),
        body: Bytes::from_static(secret),
    };
    one.sealer.write(&message).await.expect("written");
    one.sealer.write(&message).await.expect("written");
    assert_eq!(two.opener.read().await.expect("opened"), message);
    let wire = tape.bytes();
    assert!(
        wire.len() > 2 * secret.len(),
        "the tape ran: {}",
        wire.len()
    );
    assert!(!contains(&wire, secret));
    // Twice the same is not the same twice.
    let frame = 2 + HEADER_LEN + secret.len() + SEAL;
    let (before, last) = wire.split_at(wire.len() - frame);
    assert_ne!(&before[before.len() - frame..], last);
}

#[tokio::test]
async fn what_is_sent_back_to_who_sent_it_becomes_no_link() {
    let world = World::new();
    let (_one, _two, tape, answers) = linked(world).await;
    let back = accepts(world, 1, tape.bytes()).await;
    assert!(
        matches!(back, Err(HandshakeError::OtherReceiver(2))),
        "{back:?}"
    );
    // Nor when the slots are exchanged: they are bound into the handshake.
    let mut exchanged = tape.bytes();
    exchanged[16..20].copy_from_slice(&[2, 0, 1, 0]);
    let own = world.membership(1, &[key(1)]);
    let from = (M, world.address(2, M));
    let back = accept(&own, from, Played(exchanged, 0), Tape::default()).await;
    assert!(matches!(back, Err(HandshakeError::Unauthentic)), "{back:?}");
    assert!(
        !answers.bytes().is_empty(),
        "the other direction was taped too"
    );
}

#[tokio::test]
async fn frames_of_one_direction_do_not_open_in_the_other() {
    let (mut one, two, tape, _) = linked(World::new()).await;
    let shaken = tape.bytes().len();
    one.sealer.write(&Message::Alive).await.expect("written");
    let frame = tape.bytes()[shaken..].to_vec();
    let mut reflected = Opener::new(one.opener.noise(), Played(frame.clone(), 0));
    assert!(matches!(
        reflected.read().await,
        Err(LinkError::Unauthentic)
    ));
    // As a witness: at the end that it is for it opens, as the second frame.
    let mut straight = Opener::new(two.opener.noise(), Played(frame, 0));
    straight.skip_one();
    assert_eq!(straight.read().await.expect("opened"), Message::Alive);
}

#[tokio::test]
async fn a_recording_of_a_link_that_was_becomes_no_link() {
    let world = World::new();
    let (_one, _two, tape, _) = linked(world).await;
    let again = accepts(world, 2, tape.bytes()).await;
    assert!(
        matches!(again, Err(HandshakeError::Unauthentic)),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_preamble_that_is_changed_anywhere_becomes_no_link() {
    let world = World::new();
    let (_one, _two, tape, _) = linked(world).await;
    for at in 0..PREAMBLE_LEN + NOISE_LEN {
        let mut changed = tape.bytes();
        changed[at] ^= 1;
        let why = accepts(world, 2, changed)
            .await
            .expect_err("it was changed");
        let word = why.as_str();
        let expected: &[&str] = match at {
            0..6 => &["not_ours"],
            6..8 => &["unknown_key"],
            8..16 => &["other_cluster"],
            16..18 => &["impostor"],
            18..20 => &["other_receiver"],
            _ => &["unauthentic"],
        };
        assert!(expected.contains(&word), "byte {at}: {word}");
    }
}

#[tokio::test]
async fn garbage_and_what_is_cut_off_become_no_link() {
    let world = World::new();
    let (_one, _two, tape, _) = linked(world).await;
    let whole = tape.bytes();
    for length in 0..whole.len() - 1 {
        let why = accepts(world, 2, whole[..length].to_vec()).await;
        let why = why.expect_err("it was cut off");
        assert!(
            ["broken_off", "unauthentic"].contains(&why.as_str()),
            "{length}: {why}"
        );
    }
    let garbage = b"GET / HTTP/1.1\r\nHost: 198.51.100.1\r\n\r\n".repeat(4);
    let why = accepts(world, 2, garbage).await;
    assert!(matches!(why, Err(HandshakeError::NotOurs)), "{why:?}");
}

#[tokio::test]
async fn a_slot_that_is_said_from_another_ones_address_is_refused() {
    let world = World::new();
    let (_one, _two, tape, _) = linked(world).await;
    let own = world.membership(2, &[key(1)]);
    let from = (M, world.address(3, M));
    let said = accept(&own, from, Played(tape.bytes(), 0), Tape::default()).await;
    assert!(
        matches!(said, Err(HandshakeError::Impostor { slot: 1, .. })),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_link_that_is_cut_changed_or_out_of_order_ends() {
    let (mut one, two, tape, _) = linked(World::new()).await;
    let shaken = tape.bytes().len();
    let body = Bytes::from(vec![7; 100_000]);
    let kind = Some(Kind::Store);
    let message = Message::OneWay { kind, body };
    one.sealer.write(&message).await.expect("written");
    let frames = tape.bytes()[shaken..].to_vec();
    let open = |bytes: Vec<u8>| {
        let mut opener = Opener::new(two.opener.noise(), Played(bytes, 0));
        opener.skip_one();
        async move { opener.read().await }
    };
    assert_eq!(open(frames.clone()).await.expect("whole"), message);
    for cut in [1, 2, 100, 65_536, 65_537, 65_538, frames.len() - 1] {
        let ended = open(frames[..cut].to_vec()).await;
        assert!(matches!(ended, Err(LinkError::Io(_))), "{cut}: {ended:?}");
    }
    for at in [2, 40, 65_536, 65_540, frames.len() - 1] {
        let mut changed = frames.clone();
        changed[at] ^= 0x80;
        let ended = open(changed).await;
        assert!(
            matches!(ended, Err(LinkError::Unauthentic)),
            "{at}: {ended:?}"
        );
    }
    let second = frames[2 + MAX_FRAME..].to_vec();
    let swapped = [&second[..], &frames[..2 + MAX_FRAME]].concat();
    assert!(matches!(open(swapped).await, Err(LinkError::Unauthentic)));
    assert!(matches!(
        open(vec![0, 3, 1, 2, 3]).await,
        Err(LinkError::Unauthentic)
    ));
}

#[tokio::test]
async fn a_member_that_says_too_much_loses_its_link() {
    let (mut one, mut two, ..) = linked(World::new()).await;
    let mut header = [0; HEADER_LEN];
    header[0] = 1;
    let length = u32::try_from(MAX_BODY + 1).expect("small");
    header[6..].copy_from_slice(&length.to_le_bytes());
    one.sealer.write_raw(&header).await;
    let ended = two.opener.read().await;
    assert!(matches!(ended, Err(LinkError::TooLong(_))), "{ended:?}");
    // More than its header says, no sort that there is, less than a header, and parts of nothing.
    for frames in [
        vec![vec![1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 5, 6]],
        vec![vec![9, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
        vec![vec![1, 1, 0]],
        vec![vec![1, 1, 0, 0, 0, 0, 1, 0, 0, 0], vec![]],
    ] {
        let (mut one, mut two, ..) = linked(World::new()).await;
        for frame in &frames {
            one.sealer.write_raw(frame).await;
        }
        let ended = two.opener.read().await;
        assert!(
            matches!(ended, Err(LinkError::Malformed(_))),
            "{frames:?}: {ended:?}"
        );
    }
}
