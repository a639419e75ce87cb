//! Getting an index from a mirror: one conditional request over https or http, or a read of a file.
//!
//! What can pass by itself is tried again with growing pauses: a broken connection, a time-out, a body cut short, the
//! statuses 408, 429 and 5xx. What cannot, such as 404, is not.

use super::{Policy, Progress, RepositoryError};
use crate::apk::archive::MAX_COMPRESSED;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};
use std::{fs, io, thread};

/// What a mirror says about the file that it served, to be sent back with the next request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Validators {
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
}

/// What a mirror answered.
pub(super) enum Answer {
    /// The file is the one that is known already.
    Unchanged,
    /// The file.
    File(Vec<u8>, Validators),
}

/// Why one attempt failed.
enum Failure {
    /// Another attempt may go better.
    Passing(RepositoryError),
    /// No other attempt will.
    Lasting(RepositoryError),
}

/// Gets the file at an address, unless it is the one that `known` describes.
pub(super) fn fetch(
    address: &str,
    known: &Validators,
    policy: &Policy,
    progress: Progress<'_>,
) -> Result<Answer, RepositoryError> {
    if let Some(path) = local_path(address) {
        return read_file(address, &path, known);
    }
    if !address.starts_with("http://") && !address.starts_with("https://") {
        return Err(RepositoryError::Address(address.to_owned()));
    }
    let agent = agent(policy);
    let mut pause = policy.first_pause;
    for attempt in 1.. {
        match attempt_once(&agent, address, known, progress) {
            Ok(answer) => return Ok(answer),
            Err(Failure::Lasting(error)) => return Err(error),
            Err(Failure::Passing(error)) if attempt >= policy.attempts => return Err(error),
            Err(Failure::Passing(_)) => thread::sleep(pause),
        }
        pause *= 2;
    }
    Err(RepositoryError::Address(address.to_owned()))
}

fn agent(policy: &Policy) -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(policy.connect_timeout))
        .timeout_recv_response(Some(policy.response_timeout))
        .timeout_global(Some(policy.total_timeout))
        .user_agent(concat!("aboard/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

fn attempt_once(
    agent: &ureq::Agent,
    address: &str,
    known: &Validators,
    progress: Progress<'_>,
) -> Result<Answer, Failure> {
    let mut request = agent.get(address);
    if let Some(etag) = &known.etag {
        request = request.header("If-None-Match", etag);
    } else if let Some(date) = &known.last_modified {
        request = request.header("If-Modified-Since", date);
    }
    let response = request.call().map_err(|error| connection_failure(address, &error))?;
    let status = response.status().as_u16();
    match status {
        200 => {}
        304 => return Ok(Answer::Unchanged),
        404 | 410 => return Err(Failure::Lasting(RepositoryError::NotThere(address.to_owned()))),
        _ => {
            let error = RepositoryError::Status { address: address.to_owned(), status };
            let passes = matches!(status, 408 | 429 | 500..=599);
            return Err(if passes { Failure::Passing(error) } else { Failure::Lasting(error) });
        }
    }
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let validators = Validators { etag: header("etag"), last_modified: header("last-modified") };
    let total: Option<u64> = header("content-length").and_then(|length| length.parse().ok());
    if total.is_some_and(|total| total > MAX_COMPRESSED as u64) {
        return Err(Failure::Lasting(RepositoryError::TooLarge(address.to_owned())));
    }
    let bytes = receive(address, response.into_body().into_reader(), total, progress)?;
    Ok(Answer::File(bytes, validators))
}

fn receive(address: &str, mut body: impl Read, total: Option<u64>, progress: Progress<'_>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(total.unwrap_or(0) as usize);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let cut = total.filter(|_| error.kind() == io::ErrorKind::UnexpectedEof);
                return Err(match cut {
                    Some(total) => cut_short(address, bytes.len(), total),
                    None => body_failure(address, error),
                });
            }
        }
        if bytes.len() > MAX_COMPRESSED {
            return Err(Failure::Lasting(RepositoryError::TooLarge(address.to_owned())));
        }
        progress(address, bytes.len() as u64, total);
    }
    match total {
        Some(total) if total != bytes.len() as u64 => Err(cut_short(address, bytes.len(), total)),
        _ => Ok(bytes),
    }
}

fn cut_short(address: &str, received: usize, expected: u64) -> Failure {
    Failure::Passing(RepositoryError::CutShort { address: address.to_owned(), received: received as u64, expected })
}

fn body_failure(address: &str, error: io::Error) -> Failure {
    match error.downcast::<ureq::Error>() {
        Ok(error) => connection_failure(address, &error),
        Err(error) => connection_failure(address, &ureq::Error::Io(error)),
    }
}

fn connection_failure(address: &str, error: &ureq::Error) -> Failure {
    let address = address.to_owned();
    let timed_out = match error {
        ureq::Error::Timeout(_) => true,
        ureq::Error::Io(error) => matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock),
        _ => false,
    };
    if timed_out {
        return Failure::Passing(RepositoryError::TimedOut(address));
    }
    let error = match error {
        ureq::Error::BadUri(_) => return Failure::Lasting(RepositoryError::Address(address)),
        error => RepositoryError::Connection { address, why: error.to_string() },
    };
    Failure::Passing(error)
}

/// The path that a `file:` address or a plain absolute path names.
pub(super) fn local_path(address: &str) -> Option<PathBuf> {
    let path = address.strip_prefix("file://localhost").or_else(|| address.strip_prefix("file://")).unwrap_or(address);
    path.starts_with('/').then(|| PathBuf::from(path))
}

fn read_file(address: &str, path: &PathBuf, known: &Validators) -> Result<Answer, RepositoryError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => RepositoryError::NotThere(address.to_owned()),
        _ => RepositoryError::Connection { address: address.to_owned(), why: error.to_string() },
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.len() > MAX_COMPRESSED as u64 {
        return Err(RepositoryError::TooLarge(address.to_owned()));
    }
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let stamp = format!("{:?}/{}", modified.unwrap_or(Duration::ZERO), metadata.len());
    if known.etag.as_deref() == Some(&stamp) {
        return Ok(Answer::Unchanged);
    }
    let bytes = fs::read(path).map_err(failed)?;
    Ok(Answer::File(bytes, Validators { etag: Some(stamp), last_modified: None }))
}
