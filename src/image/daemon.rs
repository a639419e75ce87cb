//! Images of a container engine, read from the stream that `image save` writes. Nothing but kept bodies touches a disk.

use super::layer::Budget;
use super::{Image, ImageError, TarError, archive};
use crate::engine::{Engine, EngineError, Kind};
use crate::platform::Platform;
use std::io::Read;
use std::process::{Command, Stdio};

/// The command that writes an image to its standard output.
pub fn save_command(engine: &Engine, reference: &str) -> Vec<String> {
    let words = ["image", "save", "--", reference];
    std::iter::once(engine.program.display().to_string()).chain(words.map(str::to_owned)).collect()
}

pub(super) fn open(engine: &Engine, reference: &str, platform: Platform, budget: &Budget) -> Result<Image, ImageError> {
    if engine.kind == Kind::Buildah {
        let message = "buildah (it hands no images out: push it to a docker-archive and use --archive)".to_owned();
        return Err(EngineError::NoEngine(message).into());
    }
    let argv = save_command(engine, reference);
    let mut child = Command::new(&argv[0])
        .args(&argv[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| EngineError::Start { program: argv[0].clone(), source })?;
    let stderr = child.stderr.take();
    let words = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(stderr) = stderr {
            let _ = stderr.take(64 * 1024).read_to_string(&mut text);
        }
        text
    });
    let stdout = child.stdout.take().expect("internal: stdout is piped");
    let image = archive::open_stream(stdout, reference, platform, budget);
    let ended_early = matches!(image, Err(ImageError::Missing(_) | ImageError::Tar(TarError::Truncated)));
    if image.is_err() && !ended_early {
        // What was not read would block the engine.
        let _ = child.kill();
    }
    let status = child.wait()?;
    let words = words.join().unwrap_or_default();
    if ended_early && !status.success() {
        return Err(ImageError::NoSuchImage {
            engine: argv[0].clone(),
            reference: reference.to_owned(),
            message: words.trim().to_owned(),
        });
    }
    image
}
