//! Asks the reference implementation, command by command over one pipe, so that one process serves
//! many maps.
//!
//! A command is a line of words. Where it takes a body, the body's lines follow, and a line with a
//! dot alone. Every command is answered by lines and a line with a dot alone, or by one line that
//! begins with `error`. Keys are lowercase hex; the empty key is `-`.
//!
//! ```text
//! write HOW FILE    a body of edits; the map goes into FILE. Answer: its size
//! merge FILE        a body of edits; the map is merged into FILE. Answer: its size
//! history FILE      answer: the roots, newest first
//! dump FILE         answer: KEY VALUE, for each entry in order
//! leaves FILE       the same with KEY -, for each path that ends without a value
//! get FILE          a body of keys. Answer: a value or - for each
//! walk FILE         a body of cursor commands. Answer: RESULT PATH for each
//! walkmap           a body of edits, a dot, a body of cursor commands: on the map in memory
//! ```
//!
//! HOW is `dump`, `vec`, `cached` or `stream`: which of the reference's writers. An edit is
//! `set KEY VALUE`, `path KEY` (a path without a value), or `graft FROM TO`, after which the two
//! share a subtree.

mod walk;

use std::error::Error;
use std::io::{BufWriter, Lines, StdinLock, StdoutLock, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pathmap::PathMap;
use pathmap::arena_compact::{ACTOutputStream, ArenaCompactTree};
use pathmap::zipper::{Zipper, ZipperIteration, ZipperMoving, ZipperValues, ZipperWriting};

pub type Answer<T> = Result<T, Box<dyn Error>>;

pub fn decode(word: &str) -> Answer<Vec<u8>> {
    if word == "-" {
        return Ok(Vec::new());
    }
    if word.len() % 2 != 0 || !word.is_ascii() {
        return Err(format!("no key: {word}").into());
    }
    (0..word.len()).step_by(2).map(|i| Ok(u8::from_str_radix(&word[i..i + 2], 16)?)).collect()
}

pub fn encode(key: &[u8]) -> String {
    if key.is_empty() { "-".into() } else { key.iter().map(|b| format!("{b:02x}")).collect() }
}

struct Session<'a> {
    input: Lines<StdinLock<'a>>,
    output: BufWriter<StdoutLock<'a>>,
}

impl Session<'_> {
    /// The lines of a body, to its dot.
    fn body(&mut self) -> Answer<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            match self.input.next().ok_or("the input ends in a body")?? {
                line if line == "." => return Ok(lines),
                line => lines.push(line),
            }
        }
    }

    /// Takes the bodies of a command, whatever becomes of it, and answers it.
    fn answer(&mut self, command: &str) -> Answer<()> {
        let words: Vec<&str> = command.split(' ').collect();
        let mut bodies = Vec::new();
        let wanted = match words[0] {
            "dump" | "leaves" | "history" => 0,
            "walkmap" => 2,
            _ => 1,
        };
        for _ in 0..wanted {
            bodies.push(self.body()?);
        }
        let result = catch_unwind(AssertUnwindSafe(|| run(&words, &bodies)))
            .unwrap_or_else(|_| Err("the reference panicked".into()));
        match result {
            Ok(lines) => {
                for line in lines {
                    writeln!(self.output, "{line}")?;
                }
                writeln!(self.output, ".")?;
            }
            Err(error) => writeln!(self.output, "error {}", error.to_string().replace('\n', " "))?,
        }
        Ok(self.output.flush()?)
    }
}

/// A map after some edits.
fn map_of(edits: &[String]) -> Answer<PathMap<u64>> {
    let mut map = PathMap::new();
    for edit in edits {
        let words: Vec<&str> = edit.split(' ').collect();
        match words[..] {
            ["set", key, value] => {
                map.set_val_at(decode(key)?, value.parse::<u64>()?);
            }
            ["path", key] => {
                map.create_path(decode(key)?);
            }
            ["graft", from, to] => {
                // The copy shares all its nodes with the map, and so will the two places.
                let copy = map.clone();
                let source = copy.read_zipper_at_path(decode(from)?);
                map.write_zipper_at_path(&decode(to)?).graft(&source);
            }
            _ => return Err(format!("no edit: {edit}").into()),
        }
    }
    Ok(map)
}

fn write(how: &str, map: &PathMap<u64>, file: &str) -> Answer<()> {
    match how {
        "dump" => {
            ArenaCompactTree::dump_from_zipper(map.read_zipper(), |&v| v, file)?;
        }
        "vec" => {
            let tree = ArenaCompactTree::from_zipper(map.read_zipper(), |&v| v);
            std::fs::write(file, tree.get_data())?;
        }
        "cached" => {
            let tree = ArenaCompactTree::from_zipper_cached(map.read_zipper(), |&v: &u64| v);
            std::fs::write(file, tree.get_data())?;
        }
        "stream" => {
            let mut stream = ACTOutputStream::new(file)?;
            let mut zipper = map.read_zipper();
            if let Some(&value) = zipper.val() {
                stream.push_val(b"", value)?;
            }
            while zipper.to_next_val() {
                stream.push_val(zipper.path(), *zipper.val().unwrap())?;
            }
            stream.finish()?;
        }
        _ => return Err(format!("no writer: {how}").into()),
    }
    Ok(())
}

fn entries(file: &str, with_leaves: bool) -> Answer<Vec<String>> {
    let tree = ArenaCompactTree::open_mmap(file)?;
    let mut zipper = tree.read_zipper_u64();
    let mut lines = Vec::new();
    // No step ever stops on the root.
    if let Some(value) = zipper.val() {
        lines.push(format!("- {value}"));
    }
    if !with_leaves {
        while zipper.to_next_val() {
            lines.push(format!("{} {}", encode(zipper.path()), zipper.val().unwrap()));
        }
        return Ok(lines);
    }
    while zipper.to_next_step() {
        match zipper.val() {
            Some(value) => lines.push(format!("{} {value}", encode(zipper.path()))),
            None if zipper.child_count() == 0 => lines.push(format!("{} -", encode(zipper.path()))),
            None => (),
        }
    }
    Ok(lines)
}

fn run(words: &[&str], bodies: &[Vec<String>]) -> Answer<Vec<String>> {
    match words {
        ["write", how, file] => {
            write(how, &map_of(&bodies[0])?, file)?;
            Ok(vec![std::fs::metadata(file)?.len().to_string()])
        }
        ["merge", file] => {
            let map = map_of(&bodies[0])?;
            ArenaCompactTree::merge_zipper_into_file(file, map.read_zipper(), |&v| v)?;
            Ok(vec![std::fs::metadata(file)?.len().to_string()])
        }
        ["history", file] => {
            // The number is private; its Debug form is "NodeId(123)".
            let roots = ArenaCompactTree::open_mmap(file)?.root_history();
            let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect();
            Ok(roots.iter().map(|root| digits(format!("{root:?}"))).collect())
        }
        ["dump", file] => entries(file, false),
        ["leaves", file] => entries(file, true),
        ["get", file] => {
            let tree = ArenaCompactTree::open_mmap(file)?;
            bodies[0]
                .iter()
                .map(|key| {
                    let value = tree.get_val_at(decode(key)?);
                    Ok(value.map_or("-".into(), |v| v.to_string()))
                })
                .collect()
        }
        ["walk", file] => {
            let tree = ArenaCompactTree::open_mmap(file)?;
            walk::run(&bodies[0], |root| tree.read_zipper_at_path_u64(root))
        }
        ["walkmap"] => {
            let map = map_of(&bodies[0])?;
            walk::run(&bodies[1], |root| map.read_zipper_at_path(root))
        }
        _ => Err(format!("no command: {}", words.join(" ")).into()),
    }
}

fn main() -> Answer<()> {
    // What it would print belongs to no command; that it happened is told in the answer.
    std::panic::set_hook(Box::new(|_| ()));
    let mut session =
        Session { input: std::io::stdin().lines(), output: BufWriter::new(std::io::stdout().lock()) };
    while let Some(command) = session.input.next() {
        session.answer(&command?)?;
    }
    Ok(())
}
