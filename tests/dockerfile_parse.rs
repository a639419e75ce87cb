//! What reads as a Dockerfile and what does not; each fault has a place, and no text makes the reader panic.

#![allow(clippy::panic, reason = "a test fails by panicking")]

use aboard::dockerfile::{Command, Dockerfile, Kind, Options, Plans, Source, parse};
use aboard::file::Files;
use aboard::finding::Finding;

fn read(text: &str) -> Result<(Files, Dockerfile), (Files, Box<Finding>)> {
    let files = Files::new();
    let file = files.add("Dockerfile", text.to_owned());
    match parse(&files, file) {
        Ok(dockerfile) => Ok((files, dockerfile)),
        Err(finding) => Err((files, finding)),
    }
}

fn good(text: &str) -> (Files, Dockerfile) {
    read(text).unwrap_or_else(|(_, finding)| panic!("{text}: {finding:?}"))
}

/// Every part of every form, with its place.
const EVERYTHING: &str = "# syntax=docker/dockerfile:1\n# escape=\\\nARG R=3.20\nFROM --platform=$BUILDPLATFORM alpine:$R AS base\nRUN --mount=type=cache,target=/c \\\n    # a comment's apostrophe\n    apk add \\\n\n    git\nENV A=1 B=\"x y\" \\\n    C=3\nENV OLD the rest of it\nCOPY --from=base --chmod=755 [\"a b\", \"/c d\"]\nCOPY <<A <<-\"B\" /dir/\none $x\nA\n\ttwo\n\tB\nADD https://x/y.tgz /z/\nRUN cat <<EOF > /f && sh <<-'X'\nbody\nEOF\n\techo\n\tX\nSHELL [\"/bin/bash\", \"-c\"]\nONBUILD RUN <<EOF\nx\nEOF\nHEALTHCHECK --interval=5s CMD [\"h\"]\nUSER u\nWORKDIR /w\nEXPOSE 1\nLABEL a=b\nSTOPSIGNAL TERM\nVOLUME [\"/v\"]\nMAINTAINER m\nENTRYPOINT [\"e\"]\nCMD c d\n";

#[test]
fn every_form_reads() {
    let (files, dockerfile) = good(EVERYTHING);
    assert_eq!(dockerfile.directives.len(), 2);
    let stage = &dockerfile.stages[0];
    assert_eq!(stage.label(), "base");
    for instruction in &stage.instructions {
        let whole = files.text(instruction.span);
        assert!(whole.starts_with(&files.text(instruction.keyword)), "{whole}");
    }
    let Kind::Run(run) = &stage.instructions[0].kind else { panic!("a RUN") };
    let Command::Shell(text, _) = &run.command else { panic!("shell form") };
    assert_eq!(text.text().split_whitespace().collect::<Vec<_>>(), ["apk", "add", "git"]);
    let at = text.text().find("git").expect("there");
    assert_eq!(files.place(text.span(at, at + 3).expect("mapped")), "Dockerfile:9:5");
    let Kind::Copy(copy) = &stage.instructions[4].kind else { panic!("a COPY") };
    let texts: Vec<&str> = copy
        .sources
        .iter()
        .map(|source| match source {
            Source::HereDoc(_, doc) => doc.text.text(),
            Source::Path(word) => &word.text,
        })
        .collect();
    assert_eq!(texts, ["one $x\n", "two\n"]);
    let Kind::Run(run) = &stage.instructions[6].kind else { panic!("a RUN") };
    assert_eq!(run.here_docs.len(), 2);
    assert!(files.text(stage.instructions[6].span).ends_with("\tX"));
    assert_eq!(stage.instructions.len(), 19);
}

#[test]
fn variables_and_the_escape_character() {
    let (_, dockerfile) = good("# escape=`\nFROM x\nENV A=1 `\n  B=C:\\d\nRUN a `\n  b\n");
    let Kind::Env(variables) = &dockerfile.stages[0].instructions[0].kind else { panic!("an ENV") };
    let pairs: Vec<(&str, Option<&str>)> =
        variables.iter().map(|variable| (variable.name.as_str(), variable.value.as_deref())).collect();
    assert_eq!(pairs, [("A", Some("1")), ("B", Some("C:\\d"))]);
    let (files, dockerfile) = good("  # syntax=x\n\t# EsCaPe = `\nFROM `\n x:1\n");
    assert_eq!((dockerfile.escape, files.place(dockerfile.stages[0].image.span).as_str()), ('`', "Dockerfile:4:2"));
    let (_, dockerfile) = good("FROM x\nARG A B=2 C\nENV OLD the rest\n");
    assert!(matches!(&dockerfile.stages[0].instructions[0].kind, Kind::Arg(variables) if variables.len() == 3));
    let Kind::Env(old) = &dockerfile.stages[0].instructions[1].kind else { panic!("an ENV") };
    assert_eq!(old[0].value.as_deref(), Some("the rest"));
}

#[test]
fn an_empty_entrypoint_is_one_that_starts_nothing() {
    for list in ["[]", "[ ]", "[]  "] {
        let (files, dockerfile) =
            good(&format!("FROM alpine\n  entrypoint {list}\nCMD [\"x\"]\nRUN echo \\\nENTRYPOINT []\n"));
        let [entrypoint, cmd, run] = dockerfile.stages[0].instructions.as_slice() else { panic!("three instructions") };
        assert!(matches!(&entrypoint.kind, Kind::Entrypoint(Command::Exec(words, _)) if words.is_empty()), "{list}");
        assert_eq!(files.text(entrypoint.keyword), "entrypoint");
        assert!(matches!(&cmd.kind, Kind::Cmd(Command::Exec(words, _)) if words.len() == 1));
        assert!(matches!(&run.kind, Kind::Run(_)));
    }
}

#[test]
fn line_ends_and_marks_of_windows_read() {
    let (files, dockerfile) = good("\u{feff}FROM alpine:3.20\r\nRUN apk add \\\r\n  git\r\nCMD [\"x\"]\r\n");
    let stage = &dockerfile.stages[0];
    assert_eq!(files.text(stage.image.span), "alpine:3.20");
    let Kind::Cmd(Command::Exec(words, _)) = &stage.instructions[1].kind else { panic!("a CMD") };
    assert_eq!(files.text(words[0].span), "x");
}

#[test]
fn faults_have_a_place_and_a_reason() {
    for (text, place, reason) in [
        ("FROM a\nRUNN x\n", "Dockerfile:2:1", "unknown instruction 'RUNN'"),
        ("RUN x\n", "Dockerfile:1:1", "expected FROM"),
        ("", "Dockerfile:1:1", "at least one FROM"),
        ("FROM a\nCOPY <<EOF /x\nbody\n", "Dockerfile:2:6", "nothing ends the here-document `EOF`"),
        ("FROM a\nCOPY x\n", "Dockerfile:2:1", "at least two arguments"),
        ("FROM a\nENV A\n", "Dockerfile:2:5", "has no value"),
        ("FROM a b\n", "Dockerfile:1:8", "expected AS"),
        ("FROM a AS 1x\n", "Dockerfile:1:11", "cannot name a stage"),
        ("FROM a\nONBUILD FROM b\n", "Dockerfile:2:9", "cannot stand here"),
        ("FROM a\nHEALTHCHECK\n", "Dockerfile:2:12", "expected CMD or NONE"),
    ] {
        let (files, finding) = read(text).expect_err(text);
        assert_eq!(finding.rule.code, "dockerfile-syntax");
        assert!(finding.message.contains(reason), "{text}: {}", finding.message);
        assert_eq!(files.place(finding.labels[0].span), place, "{text}");
    }
}

#[test]
fn mutilated_files_never_panic() {
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let bits =
        ["\\\n", "<<", "\"", "'", "$", "${", "[", "]", "\n", "#", "=", "é", "\u{fffc}", "\0", "RUN ", "FROM ", "`"];
    let mut read_well = 0;
    for _ in 0..3000 {
        let mut text: Vec<char> = EVERYTHING.chars().collect();
        for _ in 0..=next(4) {
            let at = next(text.len().max(1));
            match next(3) {
                0 => text.truncate(at.max(1)),
                1 if at < text.len() => {
                    text.remove(at);
                }
                _ => {
                    for c in bits[next(bits.len())].chars().rev() {
                        text.insert(at.min(text.len()), c);
                    }
                }
            }
        }
        let text: String = text.into_iter().collect();
        match read(&text) {
            Ok((_, dockerfile)) => {
                read_well += 1;
                assert_eq!(Plans::new(&dockerfile, &Options::default()).stages.len(), dockerfile.stages.len());
            }
            Err((_, finding)) => assert!(!finding.labels.is_empty()),
        }
    }
    assert!(read_well > 100, "{read_well}");
}
