//! Who may read, and who may change.

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Answer, OPEN, Served, serve};
use crate::config::StatusPage;
use crate::config::http::{Access, Identity, Token};
use crate::net::identity;

const TOKEN: &str = "correct-horse-battery-staple";

/// A node's identity, and who believes it.
fn identity() -> (Identity, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (folder.path().join("n1.crt"), folder.path().join("n1.key"));
    fs::write(&certificate, made.cert.pem()).expect("written");
    fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("own file");
    let identity = identity::read(&certificate, &key).expect("they belong together");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has ciphers")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (identity, Arc::new(client))
}

/// Asks over TLS.
fn ask(served: &Served, client: &Arc<ClientConfig>, head: &str, body: &str) -> Answer {
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::clone(client), name).expect("a client");
    let mut stream = StreamOwned::new(connection, served.connect());
    let length = body.len();
    write!(
        stream,
        "{head}Host: node\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("taken");
    let mut text = String::new();
    // The server ends without a farewell, as servers do.
    let _ = stream.read_to_string(&mut text);
    Answer::of(&text)
}

fn post(path: &str, token: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\n"
    )
}

fn ordered(served: &Served) -> Vec<String> {
    served.pretender.ordered.lock().expect("no panic").clone()
}

#[test]
fn with_tls_and_the_token_mastership_is_handed_on_and_maintenance_begun() {
    let (identity, client) = identity();
    let served = serve(StatusPage {
        identity: Some(identity),
        token: Some(Token::new(TOKEN)),
        ..OPEN
    });
    let switchover = post("/api/v1/switchover", TOKEN);
    let answer = ask(&served, &client, &switchover, "{\"to\": 2}");
    assert_eq!(
        (answer.status, answer.json()["done"].as_str()),
        (200, Some("done"))
    );
    assert_eq!(ask(&served, &client, &switchover, "{}").status, 200);
    let maintenance = post("/api/v1/maintenance", TOKEN);
    assert_eq!(
        ask(&served, &client, &maintenance, "{\"on\": true}").status,
        200
    );
    let expected = ["switchover Some(2)", "switchover None", "maintenance true"];
    assert_eq!(ordered(&served), expected);
    let refused = ask(&served, &client, &switchover, "{\"to\": 9}");
    assert_eq!(
        (refused.status, refused.error().as_str()),
        (409, "slot 9 is no member")
    );
}

#[test]
fn an_order_for_another_node_changes_nothing() {
    let (identity, client) = identity();
    let served = serve(StatusPage {
        identity: Some(identity),
        token: Some(Token::new(TOKEN)),
        ..OPEN
    });
    let orders = [
        ("/api/v1/switchover", "\"to\": 2"),
        ("/api/v1/maintenance", "\"on\": true"),
    ];
    for (path, order) in orders {
        let astray = format!("{{{order}, \"at\": 3}}");
        let refused = ask(&served, &client, &post(path, TOKEN), &astray);
        assert_eq!(refused.status, 412, "{path}");
        let why = refused.error();
        assert!(
            why.contains("this is slot 1, and the order is for slot 3"),
            "{why}"
        );
    }
    assert_eq!(ordered(&served), [""; 0]);
    for (path, order) in orders {
        let meant = format!("{{{order}, \"at\": 1}}");
        let answer = ask(&served, &client, &post(path, TOKEN), &meant);
        assert_eq!(answer.status, 200, "the witness: {path}");
    }
    assert_eq!(ordered(&served), ["switchover Some(2)", "maintenance true"]);
}

#[test]
fn a_viewer_is_told_whether_orders_are_possible_and_whether_it_may_give_them() {
    let (identity, client) = identity();
    let read_only = serve(OPEN).get("/api/v1/orders").json();
    assert_eq!(read_only["possible"], false);
    let why = read_only["refused"].as_str().expect("a reason");
    assert!(why.contains("TLS and a token"), "{why}");
    let served = serve(StatusPage {
        identity: Some(identity),
        token: Some(Token::new(TOKEN)),
        ..OPEN
    });
    for (line, why) in [
        ("", Some("is needed")),
        ("Authorization: Bearer another\r\n", Some("not the token")),
        (&*format!("Authorization: Bearer {TOKEN}\r\n"), None),
    ] {
        let head = format!("GET /api/v1/orders HTTP/1.1\r\n{line}");
        let told = ask(&served, &client, &head, "").json();
        assert_eq!(told["possible"], true);
        let refused = told["refused"].as_str();
        assert_eq!(refused.is_some(), why.is_some(), "{told}");
        assert!(
            refused
                .unwrap_or_default()
                .contains(why.unwrap_or_default())
        );
    }
}

#[test]
fn without_the_token_or_with_another_order_nothing_is_changed() {
    let (identity, client) = identity();
    let served = serve(StatusPage {
        identity: Some(identity),
        token: Some(Token::new(TOKEN)),
        ..OPEN
    });
    let path = "/api/v1/switchover";
    let plain = "POST /api/v1/switchover HTTP/1.1\r\nContent-Type: application/json\r\n";
    let untyped = format!("POST {path} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n");
    let whole = post(path, TOKEN);
    for (head, body, status, why) in [
        (plain, "{}", 401, "is needed"),
        (&*post(path, "another"), "{}", 401, "not the token"),
        (&*post(path, &TOKEN[1..]), "{}", 401, "not the token"),
        (&*post(path, ""), "{}", 401, "token"),
        (&*untyped, "{}", 415, "Content-Type"),
        (&*whole, "", 400, "none"),
        (&*whole, "{\"to\": \"n2\"}", 400, "none"),
        (&*whole, "{\"two\": 2}", 400, "unknown field"),
        (
            &*whole,
            &*format!("{{\"to\": {}2}}", " ".repeat(2_000)),
            400,
            "length limit",
        ),
    ] {
        let answer = ask(&served, &client, head, body);
        assert_eq!(answer.status, status, "{head} {body}");
        assert!(answer.error().contains(why), "{why}: {answer:?}");
        assert_eq!(
            status == 401,
            answer.head.contains("www-authenticate: bearer")
        );
    }
    assert_eq!(ordered(&served), [""; 0]);
    assert_eq!(
        ask(&served, &client, &whole, "{}").status,
        200,
        "the witness"
    );
}

#[test]
fn a_page_without_tls_or_without_a_token_is_read_only_and_says_why() {
    let (identity, client) = identity();
    let open = serve(OPEN);
    let more = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let answer = open.ask("POST", "/api/v1/switchover", more);
    assert_eq!(answer.status, 403);
    assert!(answer.error().contains("TLS and a token"), "{answer:?}");
    let without_token = serve(StatusPage {
        identity: Some(identity),
        ..OPEN
    });
    let answer = ask(
        &without_token,
        &client,
        &post("/api/v1/maintenance", TOKEN),
        "{\"on\": true}",
    );
    assert_eq!(answer.status, 403);
    assert!(answer.error().contains("token_file"), "{answer:?}");
    // Even a token that was read from a file nobody should have named is no use without TLS.
    let without_tls = serve(StatusPage {
        token: Some(Token::new(TOKEN)),
        ..OPEN
    });
    let more = format!("Authorization: Bearer {TOKEN}\r\n{more}");
    assert_eq!(
        without_tls.ask("POST", "/api/v1/switchover", &more).status,
        403
    );
    for served in [&open, &without_token, &without_tls] {
        assert_eq!(ordered(served), [""; 0]);
    }
}

#[test]
fn where_reading_needs_the_token_the_page_comes_without_it_and_what_it_shows_does_not() {
    let (identity, client) = identity();
    let served = serve(StatusPage {
        access: Access::Token,
        identity: Some(identity),
        token: Some(Token::new(TOKEN)),
        ..OPEN
    });
    let get = |path: &str, token: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nAuthorization: {token}\r\n");
        ask(&served, &client, &head, "").status
    };
    assert_eq!(get("/", ""), 200);
    for path in [
        "/api/v1/status",
        "/api/v1/history",
        "/api/v1/members/2",
        "/api/v1/orders",
        "/api/v1/events",
    ] {
        assert_eq!(get(path, ""), 401, "{path}");
        assert_eq!(get(path, "Bearer x"), 401, "{path}");
        assert_eq!(get(path, TOKEN), 401, "{path}");
    }
    for path in [
        "/api/v1/status",
        "/api/v1/history",
        "/api/v1/members/2",
        "/api/v1/orders",
    ] {
        assert_eq!(get(path, &format!("Bearer {TOKEN}")), 200, "{path}");
    }
}
