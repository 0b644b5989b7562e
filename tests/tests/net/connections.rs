//! The kernel's TCP connections by local address: listed, closed, and found dead by their clients.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use heartbeat_user::net::sock_diag::SockDiag;
use heartbeat_user::net::tickle::Tickler;

use crate::namespace::{SOON, Segment, is_root};

const ADDRESS: &str = "203.0.113.1";
const OTHER: &str = "203.0.113.2";

/// A connection from the client's end of the segment, and the service's end of it.
fn connection(segment: &Segment, listener: &TcpListener, to: &str) -> (TcpStream, TcpStream) {
    let port = listener.local_addr().expect("bound").port();
    let to = SocketAddr::new(to.parse().expect("an address"), port);
    let client = segment.client.run(|| TcpStream::connect(to));
    let (service, _) = listener.accept().expect("somebody connects");
    let client = client.expect("connected");
    client.set_read_timeout(Some(SOON)).expect("set");
    service.set_read_timeout(Some(SOON)).expect("set");
    (client, service)
}

fn lives((client, service): &mut (TcpStream, TcpStream)) -> bool {
    let mut byte = [0];
    client.write_all(b"?").is_ok() && service.read(&mut byte).is_ok_and(|read| read == 1)
}

#[test]
fn only_connections_of_the_address_are_closed_ipv6_sockets_included_and_who_listens_goes_on() {
    if !is_root("closing connections") {
        return;
    }
    let segment = Segment::new();
    segment.node.ip(&format!("address add {OTHER}/24 dev biz0"));
    let listen = |at: &str| segment.node.run(|| TcpListener::bind(at).expect("bound"));
    let (on_address, on_all) = (listen(&format!("{ADDRESS}:0")), listen("[::]:0"));
    let mut of_address = [
        connection(&segment, &on_address, ADDRESS),
        connection(&segment, &on_all, ADDRESS),
    ];
    let mut of_other = connection(&segment, &on_all, OTHER);
    let address: IpAddr = ADDRESS.parse().expect("an address");
    let closed = segment.node.run(|| {
        let mut sockets = SockDiag::open().expect("netlink opens");
        let connections = sockets.connections(address).expect("listed");
        for connection in &connections {
            sockets.destroy(connection).expect("closed");
        }
        for connection in &connections {
            sockets
                .destroy(connection)
                .expect("gone already is as good");
        }
        connections
    });
    assert_eq!(closed.len(), 2, "{closed:?}");
    for ((client, service), found) in of_address.iter_mut().zip(&closed) {
        assert!(
            closed
                .iter()
                .any(|it| Some(it.remote) == client.local_addr().ok())
        );
        assert!(!found.opening);
        let error = service
            .read(&mut [0])
            .expect_err("closed under its service");
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        // No gate is in the way here.
        let error = client.read(&mut [0]).expect_err("reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert!(lives(&mut of_other), "a connection of another address");
    assert!(lives(&mut connection(&segment, &on_address, ADDRESS)));
}

#[test]
fn a_client_whose_other_end_is_gone_without_a_word_is_reset_when_it_is_tickled() {
    if !is_root("tickles") {
        return;
    }
    for (node, client) in [
        (ADDRESS, "203.0.113.9"),
        ("2001:db8:113::1", "2001:db8:113::9"),
    ] {
        let segment = Segment::new();
        let listener = segment
            .node
            .run(|| TcpListener::bind("[::]:0").expect("bound"));
        let (mut idle, service) = connection(&segment, &listener, node);
        let address: IpAddr = node.parse().expect("an address");
        let remote = idle.local_addr().expect("connected");
        assert_eq!(remote.ip(), client.parse::<IpAddr>().expect("an address"));
        let local = SocketAddr::new(address, service.local_addr().expect("bound").port());
        // The reset of the closing goes nowhere, as behind a gate.
        segment.client.ip("link set client0 down");
        segment.node.run(|| {
            let mut sockets = SockDiag::open().expect("netlink opens");
            for connection in sockets.connections(address).expect("listed") {
                sockets.destroy(&connection).expect("closed");
            }
        });
        segment.client.ip("link set client0 up");
        segment
            .client
            .ip("address replace 2001:db8:113::9/64 dev client0 nodad");
        idle.set_read_timeout(Some(std::time::Duration::from_millis(300)))
            .expect("set");
        let untold = idle.read(&mut [0]).expect_err("nobody sends");
        assert_eq!(untold.kind(), ErrorKind::WouldBlock, "nobody told it");
        idle.set_read_timeout(Some(SOON)).expect("set");
        segment.node.run(|| {
            let tickler = Tickler::open().expect("root may");
            tickler.tickle(local, remote).expect("sent");
        });
        let told = idle.read(&mut [0]).expect_err("reset");
        assert_eq!(told.kind(), ErrorKind::ConnectionReset, "{node}");
    }
}
