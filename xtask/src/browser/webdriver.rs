//! As much of W3C WebDriver as opening a page and asking it questions takes, spoken to chromedriver over loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// What keeps Chromium to itself: no window, no update, no call home.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];
/// Longest that one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page; it ends with this value.
pub(super) struct Browser {
    driver: Child,
    /// Kept open: a driver that writes to a closed pipe dies.
    _stdout: Option<BufReader<ChildStdout>>,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts the driver and the browser.
    pub(super) fn start(driver: &Path, chromium: &Path) -> Result<Self, String> {
        let mut child = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("cannot run {}: {e}", driver.display()))?;
        let mut stdout = child.stdout.take().map(BufReader::new);
        let port = stdout.as_mut().and_then(announced_port);
        let mut browser = Self { driver: child, _stdout: stdout, port: port.unwrap_or(0), session: String::new() };
        if port.is_none() {
            return Err("chromedriver named no port".to_owned());
        }
        let options = json!({"binary": chromium, "args": FLAGS});
        let wanted =
            json!({"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let answer = browser.send("POST", "/session", &json!({"capabilities": {"alwaysMatch": wanted}}))?;
        browser.session = answer["sessionId"].as_str().ok_or("chromedriver opened no session")?.to_owned();
        browser.session_post("timeouts", &json!({"script": 30_000, "pageLoad": 30_000}))?;
        Ok(browser)
    }

    /// Gives the page a size in CSS pixels; as a phone when `mobile`.
    pub(super) fn resize(&self, width_px: u32, height_px: u32, mobile: bool) -> Result<(), String> {
        let params = json!({"width": width_px, "height": height_px, "deviceScaleFactor": 1, "mobile": mobile});
        self.session_post("goog/cdp/execute", &json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": params}))
            .map(drop)
    }

    /// Opens a file and waits until it is loaded.
    pub(super) fn open(&self, page: &Path) -> Result<(), String> {
        self.session_post("url", &json!({"url": format!("file://{}", page.display())})).map(drop)
    }

    /// Runs a script that hands its answer to its last argument.
    pub(super) fn ask(&self, script: &str) -> Result<Value, String> {
        self.session_post("execute/async", &json!({"script": script, "args": []}))
    }

    /// What the console has said since the last call, errors and warnings.
    pub(super) fn console(&self) -> Result<Vec<String>, String> {
        let entries = self.session_post("se/log", &json!({"type": "browser"}))?;
        let grave =
            entries.as_array().into_iter().flatten().filter(|e| e["level"] == "SEVERE" || e["level"] == "WARNING");
        Ok(grave.map(|entry| entry["message"].as_str().unwrap_or("?").to_owned()).collect())
    }

    /// The whole page as PNG.
    pub(super) fn screenshot(&self) -> Result<Vec<u8>, String> {
        let params = json!({"format": "png", "captureBeyondViewport": true});
        let answer =
            self.session_post("goog/cdp/execute", &json!({"cmd": "Page.captureScreenshot", "params": params}))?;
        answer["data"].as_str().and_then(from_base64).ok_or_else(|| "no screenshot".to_owned())
    }

    fn session_post(&self, command: &str, body: &Value) -> Result<Value, String> {
        self.send("POST", &format!("/session/{}/{command}", self.session), body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let text = exchange(self.port, method, path, &body.to_string()).map_err(|e| format!("chromedriver: {e}"))?;
        let answer: Value = serde_json::from_str(&text).map_err(|e| format!("chromedriver answered no JSON: {e}"))?;
        match answer["value"]["error"].as_str() {
            Some(error) => Err(format!("{path}: {error}: {}", answer["value"]["message"])),
            None => Ok(answer["value"].clone()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // Closing the session ends Chromium; a driver that is already gone has nothing to close.
            let _ = exchange(self.port, "DELETE", &format!("/session/{}", self.session), "");
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Reads up to `ChromeDriver was started successfully on port 12345.`
fn announced_port(stdout: &mut impl BufRead) -> Option<u16> {
    let mut lines = stdout.lines().map_while(Result::ok);
    lines.find_map(|line| line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse().ok())
}

/// One HTTP request and its answer's body.
fn exchange(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut reader = BufReader::new(stream);
    let mut length = None;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && line != "\r\n" {
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse::<u64>().ok();
        }
        line.clear();
    }
    let mut text = String::new();
    reader.take(length.unwrap_or(u64::MAX)).read_to_string(&mut text)?;
    Ok(text)
}

/// RFC 4648, the plain alphabet.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = group.iter().try_fold(0_u32, |bits, &c| Some((bits << 6) | u32::from(digit(c)?)))?;
        let whole = bits << (6 * (4 - group.len()));
        bytes.extend(&whole.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_rfc_4648_clause_10() {
        for (text, plain) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(from_base64(text).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(from_base64("Zm9*"), None);
    }

    #[test]
    fn the_port_is_read_from_the_announcement() {
        let text = "Starting ChromeDriver 1.2 on port 0\nChromeDriver was started successfully on port 40123.\n";
        assert_eq!(announced_port(&mut text.as_bytes()), Some(40_123));
    }
}
