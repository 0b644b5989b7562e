//! The page's files, as they are built in.

/// One file.
pub(super) struct Asset {
    /// Where it is asked for.
    pub(super) path: &'static str,
    /// Its type.
    pub(super) kind: &'static str,
    /// What is in it.
    pub(super) text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! assets {
    ($($path:literal, $kind:ident, $file:literal;)*) => {
        /// Every file.
        pub(super) const ASSETS: &[Asset] = &[$(Asset {
            path: $path,
            kind: $kind,
            text: include_str!(concat!("assets/", $file)),
        },)*];
    };
}

assets! {
    "/", HTML, "index.html";
    "/style.css", CSS, "style.css";
    "/page.js", SCRIPT, "page.js";
    "/orders.js", SCRIPT, "orders.js";
    "/token.js", SCRIPT, "token.js";
    "/stream.js", SCRIPT, "stream.js";
    "/render.js", SCRIPT, "render.js";
    "/detail.js", SCRIPT, "detail.js";
    "/words.js", SCRIPT, "words.js";
    "/icon.svg", SVG, "icon.svg";
}
