//! A user's browser: Chromium without a window, driven over HTTP (W3C WebDriver) from inside a machine of the lab.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::lab::command::run;
use crate::lab::netns::Netns;

/// Debian's programs, both from packages of their names (chromium, chromium-driver).
const CHROMIUM: &str = "/usr/bin/chromium";
const DRIVER: &str = "/usr/bin/chromedriver";
/// Where the driver listens, on its machine's loopback interface.
const PORT: u16 = 9515;
/// What keeps it from a window, a sandbox that root cannot have, and from asking anybody but the page.
const OPTIONS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];
/// How long starting it may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(150);
const LOOK: Duration = Duration::from_millis(50);

/// One browser with one page.
pub struct Browser {
    driver: Child,
    /// Made inside the machine, so it stays there.
    stream: BufReader<TcpStream>,
    session: String,
}

impl Browser {
    /// Starts it on that machine, with its files in a new folder below `folder`.
    ///
    /// # Errors
    /// When it is not installed (the message says what to install), or does not start.
    pub fn start(machine: &Netns, folder: &Path) -> Result<Self> {
        for (program, package) in [(CHROMIUM, "chromium"), (DRIVER, "chromium-driver")] {
            ensure!(
                Path::new(program).exists(),
                "no {program}: install the package {package}, as `cargo xtask test` does"
            );
        }
        // Its parts talk over loopback.
        run("ip", &["-netns", machine.name(), "link", "set", "lo", "up"])?;
        let home = folder.join("browser");
        fs::create_dir_all(&home)?;
        let mut command = Command::new(DRIVER);
        command
            .arg(format!("--port={PORT}"))
            .arg("--log-level=OFF")
            .env("HOME", &home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let driver = machine.spawn(&mut command)?;
        let begun = Instant::now();
        let stream = loop {
            match machine.run(|| TcpStream::connect((Ipv4Addr::LOCALHOST, PORT)))? {
                Ok(stream) => break stream,
                Err(_) if begun.elapsed() < PATIENCE => sleep(LOOK),
                Err(error) => return Err(error).context("the browser's driver does not listen"),
            }
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut browser = Self {
            driver,
            stream: BufReader::new(stream),
            session: String::new(),
        };
        browser.session = browser.begin(&home)?;
        Ok(browser)
    }

    fn begin(&mut self, home: &Path) -> Result<String> {
        let own = format!("--user-data-dir={}", home.join("profile").display());
        let options: Vec<&str> = OPTIONS.into_iter().chain([own.as_str()]).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            // A node's certificate in the lab has nobody who vouches for it.
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "binary": CHROMIUM, "args": options },
        } } });
        let begun = self.ask("POST", "/session", &wanted)?;
        let session = begun["sessionId"].as_str().context("it has a session")?;
        Ok(format!("/session/{session}"))
    }

    /// Goes to that page, and waits until it is there.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn open(&mut self, address: &str) -> Result<()> {
        self.post("/url", &json!({ "url": address })).map(drop)
    }

    /// What this script returns, run as the body of a function on the page.
    ///
    /// # Errors
    /// When it throws.
    pub fn run(&mut self, script: &str) -> Result<Value> {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until the script returns something true, and returns that.
    ///
    /// # Errors
    /// When it does not within `patience`; the message has what the page says then.
    pub fn wait_for(&mut self, script: &str, patience: Duration) -> Result<Value> {
        let begun = Instant::now();
        loop {
            let found = self.run(script)?;
            if !matches!(found, Value::Null | Value::Bool(false)) {
                return Ok(found);
            }
            if begun.elapsed() > patience {
                let page = self.run("return document.body.innerText")?;
                bail!("waited {patience:?} for {script:?} in vain; the page says: {page}");
            }
            sleep(LOOK);
        }
    }

    /// Presses the key with that code (W3C WebDriver, "Keyboard actions") in whatever has the focus.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn press(&mut self, key: char) -> Result<()> {
        self.write(&key.to_string())
    }

    /// Writes that into whatever has the focus.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn write(&mut self, text: &str) -> Result<()> {
        let stroke = |key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key }));
        let strokes: Vec<Value> = text.chars().flat_map(stroke).collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keys", "actions": strokes }] });
        self.post("/actions", &actions).map(drop)
    }

    /// Looks at it in a window of this size, in light or dark.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn look(&mut self, width: u32, height: u32, is_dark: bool) -> Result<()> {
        let theme = if is_dark { "dark" } else { "light" };
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &size)?;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] });
        self.devtools("Emulation.setEmulatedMedia", &media)
    }

    fn devtools(&mut self, command: &str, params: &Value) -> Result<()> {
        let body = json!({ "cmd": command, "params": params });
        self.post("/goog/cdp/execute", &body).map(drop)
    }

    /// Writes what is seen into this file (PNG).
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn picture(&mut self, file: &Path) -> Result<()> {
        let path = format!("{}/screenshot", self.session);
        let text = self.ask("GET", &path, &Value::Null)?;
        let bytes = STANDARD.decode(text.as_str().context("a picture")?)?;
        fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
    }

    /// What the page complained of in its console since it was asked last.
    ///
    /// # Errors
    /// When the browser does not tell.
    pub fn complaints(&mut self) -> Result<Vec<String>> {
        let lines = self.post("/se/log", &json!({ "type": "browser" }))?;
        let lines = lines.as_array().context("a list")?;
        let text = |line: &Value| line["message"].as_str().unwrap_or_default().to_owned();
        Ok(lines.iter().map(text).collect())
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let path = format!("{}{path}", self.session);
        self.ask("POST", &path, body)
    }

    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let answer = self.exchange(method, path, body);
        let answer = answer.with_context(|| format!("the browser did not answer {path}"))?;
        let value = &answer["value"];
        if let Some(error) = value["error"].as_str() {
            bail!("the browser refuses {path}: {error}: {}", value["message"]);
        }
        Ok(value.clone())
    }

    fn exchange(&mut self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let stream = self.stream.get_mut();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            ensure!(
                self.stream.read_line(&mut line)? > 0,
                "the browser's driver has gone"
            );
            let line = line.trim_end().to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser; the driver is ended by its process's number.
        if !self.session.is_empty() {
            let path = self.session.clone();
            let _ = self.ask("DELETE", &path, &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
