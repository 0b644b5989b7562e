//! A page that is answered as expected.

use hyper::Request;
use hyper::body::Bytes;
use serde_json::Value;

use crate::config::service::Http;
use crate::net::http::Server;

/// Longest body that is looked at, in bytes: a NameNode's whole JMX page has a tenth of it.
const MOST: usize = 4 << 20;

/// A page, and what is known of its server.
#[derive(Debug)]
pub(super) struct PageLook {
    page: Box<Http>,
    server: Server,
}

impl PageLook {
    pub(super) fn new(page: Box<Http>) -> Self {
        Self {
            server: Server::new(page.address, page.host.clone(), page.tls.clone()),
            page,
        }
    }

    /// Asks for the page, on a connection of its own, and compares it with what this node's role wants.
    pub(super) async fn look(&mut self, is_master: bool) -> Result<(), String> {
        let page = &self.page;
        let request = Request::get(&page.path);
        let answer = self.server.ask(request, Bytes::new()).await?;
        let status = answer.status();
        let is_expected = match &page.status {
            Some(expected) => status.as_u16() == *expected.of(is_master),
            None => status.is_success(),
        };
        if !is_expected {
            return Err(format!("{} answers with status {status}", page.path));
        }
        if page.contains.is_none() && page.equals.is_none() {
            return Ok(());
        }
        let body = answer.body(MOST).await;
        let body = body.map_err(|why| format!("{} {why}", page.path))?;
        judge(page, is_master, &body)
    }
}

fn judge(page: &Http, is_master: bool, body: &[u8]) -> Result<(), String> {
    if let Some(text) = page.contains.as_ref().map(|text| text.of(is_master))
        && !String::from_utf8_lossy(body).contains(text.as_str())
    {
        return Err(format!("{} does not contain \"{text}\"", page.path));
    }
    let Some((pointer, expected)) = &page.equals else {
        return Ok(());
    };
    let expected = expected.of(is_master);
    let json: Value = serde_json::from_slice(body)
        .map_err(|error| format!("{} is no JSON: {error}", page.path))?;
    let found = json.pointer(pointer).map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    match found {
        Some(found) if found == *expected => Ok(()),
        Some(found) => Err(format!("{pointer} is \"{found}\", not \"{expected}\"")),
        None => Err(format!("there is nothing at {pointer}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::config::service::PerRole;

    /// Wanted of every node.
    fn always<T: Clone>(value: T) -> PerRole<T> {
        PerRole {
            master: value.clone(),
            slave: value,
        }
    }

    /// Answers one request with this, and gives the request.
    async fn answered(
        response: &'static str,
        is_master: bool,
        page: Http,
    ) -> (Result<(), String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("asked");
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).expect("a request");
            stream.write_all(response.as_bytes()).expect("answered");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let found = PageLook::new(Box::new(Http { address, ..page }))
            .look(is_master)
            .await;
        (found, server.join().expect("it answered"))
    }

    fn page() -> Http {
        Http {
            address: ([127, 0, 0, 1], 1).into(),
            host: "127.0.0.1:9870".to_owned(),
            path: "/jmx?qry=a".to_owned(),
            tls: None,
            status: None,
            contains: None,
            equals: None,
        }
    }

    const ACTIVE: &str =
        "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{\"beans\":[{\"State\":\"active\"}]}";

    #[tokio::test]
    async fn status_text_and_a_place_in_json_are_looked_at() {
        let state = |expected: &str| Http {
            equals: Some(("/beans/0/State".to_owned(), always(expected.to_owned()))),
            ..page()
        };
        let contains = |text: &str| Http {
            contains: Some(always(text.to_owned())),
            ..page()
        };
        let status = |status| Http {
            status: Some(always(status)),
            ..page()
        };
        for (page, fault) in [
            (page(), None),
            (state("active"), None),
            (state("standby"), Some("is \"active\", not \"standby\"")),
            (contains("\"active\""), None),
            (contains("standby"), Some("does not contain")),
            (status(200), None),
            (status(204), Some("status 200")),
        ] {
            let (found, request) = answered(ACTIVE, true, page.clone()).await;
            assert!(
                request.starts_with("GET /jmx?qry=a HTTP/1.1\r\n"),
                "{request}"
            );
            assert!(request.contains("host: 127.0.0.1:9870"), "{request}");
            match fault {
                None => assert_eq!(found, Ok(()), "{page:?}"),
                Some(words) => assert!(found.is_err_and(|it| it.contains(words)), "{page:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_master_and_another_node_have_to_look_different() {
        let state = || Http {
            equals: Some((
                "/beans/0/State".to_owned(),
                PerRole {
                    master: "active".to_owned(),
                    slave: "standby".to_owned(),
                },
            )),
            ..page()
        };
        assert_eq!(answered(ACTIVE, true, state()).await.0, Ok(()));
        let (found, _) = answered(ACTIVE, false, state()).await;
        assert!(found.is_err_and(|it| it.contains("is \"active\", not \"standby\"")));
        let status = || Http {
            status: Some(PerRole {
                master: 200,
                slave: 503,
            }),
            ..page()
        };
        assert_eq!(answered(ACTIVE, true, status()).await.0, Ok(()));
        let (found, _) = answered(ACTIVE, false, status()).await;
        assert!(found.is_err_and(|it| it.contains("status 200")));
    }

    #[tokio::test]
    async fn what_is_no_page_or_no_json_is_a_fault() {
        let wants_json = Http {
            equals: Some(("/a".to_owned(), always("1".to_owned()))),
            ..page()
        };
        let plain = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let (found, _) = answered(plain, true, wants_json).await;
        assert!(found.is_err_and(|it| it.contains("is no JSON")));
        let (found, _) = answered("220 mail ready\r\n", true, page()).await;
        assert!(found.is_err());
        let failing = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
        let (found, _) = answered(failing, true, page()).await;
        assert!(found.is_err_and(|it| it.contains("503")));
    }
}
