//! A registry on a local port: the part of the distribution protocol that pulling uses, over real HTTP.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Who may pull.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Anyone,
    /// HTTP Basic with `user:secret`.
    Basic,
    /// A token from the registry's own token service, which wants `user:secret`.
    Token,
    /// As `Token`; the service wants the identity token `refresh-me`.
    Identity,
}

/// A registry that serves until the test ends.
pub struct Registry {
    /// `127.0.0.1:PORT`.
    pub host: String,
    /// The requests, each with the authorization that came with it.
    pub log: Arc<Mutex<Vec<(String, String)>>>,
}

/// What it serves.
#[derive(Clone)]
pub struct Content {
    /// By `manifests/TAG`, `manifests/DIGEST` or `blobs/DIGEST`.
    pub by_path: BTreeMap<String, Vec<u8>>,
    pub access: Access,
    /// Blobs are answered with a redirect to this host.
    pub blobs_at: Option<String>,
}

const REPOSITORY: &str = "/v2/team/app/";

impl Registry {
    pub fn start(content: Content) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let log: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let registry = Self { host: host.clone(), log: Arc::clone(&log) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (content, host, log) = (content.clone(), host.clone(), Arc::clone(&log));
                std::thread::spawn(move || serve(&stream, &content, &host, &log));
            }
        });
        registry
    }

    /// The requested paths.
    pub fn paths(&self) -> Vec<String> {
        self.log.lock().expect("the log").iter().map(|(path, _)| path.clone()).collect()
    }
}

fn serve(stream: &TcpStream, content: &Content, host: &str, log: &Mutex<Vec<(String, String)>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let (mut authorization, mut length) = (String::new(), 0);
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
                break;
            }
            let (name, value) = header.split_once(':').unwrap_or_default();
            match name.to_ascii_lowercase().as_str() {
                "authorization" => value.trim().clone_into(&mut authorization),
                "content-length" => length = value.trim().parse().unwrap_or(0),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        if std::io::Read::read_exact(&mut reader, &mut body).is_err() {
            return;
        }
        log.lock().expect("the log").push((path.clone(), authorization.clone()));
        let (status, headers, answer) = answer(&path, &authorization, &String::from_utf8_lossy(&body), content, host);
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", answer.len());
        let mut out = stream;
        if out.write_all(head.as_bytes()).and_then(|()| out.write_all(&answer)).is_err() {
            return;
        }
    }
}

/// `Basic` and base64 of `user:secret`.
const BASIC: &str = "Basic dXNlcjpzZWNyZXQ=";

fn answer(path: &str, authorization: &str, body: &str, content: &Content, host: &str) -> (String, String, Vec<u8>) {
    let refuse =
        |challenge: String| ("401 Unauthorized".to_owned(), format!("www-authenticate: {challenge}\r\n"), Vec::new());
    if path.starts_with("/token") {
        let granted = match content.access {
            Access::Identity => body.contains("refresh_token=refresh-me") && body.contains("grant_type=refresh_token"),
            _ => authorization == BASIC && path.contains("service=the-registry") && path.contains("pull"),
        };
        let token = br#"{"token":"pull-me"}"#.to_vec();
        return if granted { ("200 OK".to_owned(), String::new(), token) } else { refuse("Basic".to_owned()) };
    }
    let allowed = match content.access {
        Access::Anyone => true,
        Access::Basic => authorization == BASIC,
        Access::Token | Access::Identity => authorization == "Bearer pull-me",
    };
    if !allowed {
        return refuse(match content.access {
            Access::Basic => "Basic realm=\"here\"".to_owned(),
            _ => format!(
                "Bearer realm=\"http://{host}/token\",service=\"the-registry\",scope=\"repository:team/app:pull\""
            ),
        });
    }
    let Some(what) = path.strip_prefix(REPOSITORY) else {
        return ("404 Not Found".to_owned(), String::new(), Vec::new());
    };
    match (what.starts_with("blobs/"), &content.blobs_at) {
        (true, Some(other)) => {
            let location = format!("location: http://{other}{path}\r\n");
            ("307 Temporary Redirect".to_owned(), location, Vec::new())
        }
        _ => match content.by_path.get(what) {
            Some(bytes) => ("200 OK".to_owned(), String::new(), bytes.clone()),
            None => ("404 Not Found".to_owned(), String::new(), Vec::new()),
        },
    }
}
