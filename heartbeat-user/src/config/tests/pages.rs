//! `http` of `[[service]]`: how its server is known, and what it has to show by role.

use super::services::with;
use crate::config::service::{Check, Http};

#[test]
fn a_page_may_be_secured_and_look_different_by_role() {
    let config = with(
        r#"
[[service]]
name = "named"
http = { url = "https://192.0.2.1:9871/jmx", server_name = "nn1.example", pointer = "/a", equals = { master = "active", slave = "standby" } }
[[service]]
name = "by-address"
http = { url = "https://192.0.2.1/", status = { master = 200, slave = 503 } }
"#,
    )
    .expect("all of it is known");
    let pages: Vec<_> = config
        .services
        .iter()
        .map(|service| {
            assert!(service.starts_anew(), "{}", service.name);
            match &service.check {
                Check::Http(page) => page,
                other => panic!("{other:?}"),
            }
        })
        .collect();
    let [named, by_address] = pages[..] else {
        panic!("two pages");
    };
    let name_of = |page: &Http| {
        page.tls
            .as_ref()
            .map(|tls| tls.server_name.to_str().into_owned())
    };
    assert_eq!(named.host, "nn1.example:9871");
    assert_eq!(name_of(named).as_deref(), Some("nn1.example"));
    let (_, equals) = named.equals.as_ref().expect("written");
    assert_eq!(
        (equals.of(true).as_str(), equals.of(false).as_str()),
        ("active", "standby")
    );
    assert_eq!(by_address.address.port(), 443);
    assert_eq!(by_address.host, "192.0.2.1");
    assert_eq!(name_of(by_address).as_deref(), Some("192.0.2.1"));
}

#[test]
fn a_check_that_would_overtake_the_promotion_hook_is_refused() {
    let text = |grace: &str| {
        format!(
            "[hooks]\ntimeout = \"20s\"\n[[service]]\nname = \"a\"\nstart_grace = \"{grace}\"\n\
             http = {{ url = \"http://[::1]/\", status = {{ master = 200, slave = 503 }} }}"
        )
    };
    assert!(with(&text("20s")).is_ok());
    let report = with(&text("19s")).expect_err("a second less than the hook may take");
    assert!(
        report.contains("write start_grace = \"20s\" or more"),
        "{report}"
    );
}
