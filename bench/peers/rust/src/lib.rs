//! The Rust half of the benchmark's protocol: the same packed key files, operations and answers as
//! `bench/keyset.h` and `bench/peer.c`. bench/README.md describes them.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, Write};
use std::time::Instant;

use memmap2::{Mmap, MmapOptions};

pub type Res<T> = Result<T, Box<dyn Error>>;

const HEADER_NBYTES: usize = 32;
/// One opening takes microseconds: the median of this many stands for a round.
const OPENS_PER_ROUND: usize = 101;

/// A packed set of keys, mapped and checked, every page touched.
pub struct Keyset {
    data: Mmap,
    pub nkeys: u64,
}

impl Keyset {
    pub fn load(file: &str) -> Res<Self> {
        let data = unsafe { MmapOptions::new().populate().map(&File::open(file)?)? };
        if data.len() < HEADER_NBYTES || &data[..8] != b"BENCHKEY" {
            return Err(format!("{file}: not a packed set of keys").into());
        }
        let field = |at: usize| u64::from_le_bytes(data[at..at + 8].try_into().unwrap());
        let (nkeys, keys_nbytes) = (field(8), field(16));
        let set = Keyset { data, nkeys };
        let (mut count, mut nbytes) = (0, 0);
        for key in set.iter() {
            count += 1;
            nbytes += key.len() as u64;
        }
        if count != nkeys || nbytes != keys_nbytes {
            return Err(format!("{file}: a damaged set of keys").into());
        }
        Ok(set)
    }

    pub fn iter(&self) -> Keys<'_> {
        Keys { left: &self.data[HEADER_NBYTES..] }
    }
}

/// The keys of a set in the order of the file.
pub struct Keys<'a> {
    left: &'a [u8],
}

impl<'a> Iterator for Keys<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.left.split_first_chunk::<4>()?;
        let (key, left) = rest.split_at(u32::from_le_bytes(*length) as usize);
        self.left = left;
        Some(key)
    }
}

/// What a round of lookups or a scan found.
#[derive(Default)]
pub struct Answer {
    pub hits: u64,
    pub value_sum: u64,
    pub keys_nbytes: u64,
}

impl Answer {
    #[inline]
    pub fn hit(&mut self, value: u64) {
        self.hits += 1;
        self.value_sum = self.value_sum.wrapping_add(value);
    }
}

/// An engine: what it is called, and its operations. `Handle` is an open file.
pub trait Engine {
    type Handle;
    const NAME: &'static str;
    const VERSION: &'static str;
    const NOTE: &'static str;
    const OPS: &'static [&'static str];

    fn build(keys: &Keyset, file: &str) -> Res<()>;
    fn open(file: &str) -> Res<Self::Handle>;
    fn get(handle: &Self::Handle, queries: &Keyset) -> Res<Answer>;
    fn scan(handle: &Self::Handle) -> Res<Answer>;
    /// A second way to go through all entries.
    fn iterate(_handle: &Self::Handle) -> Res<Answer> {
        Err("no second way to scan".into())
    }
}

/// A field of /proc/self/status in bytes; 0 if there is none.
fn status_nbytes(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// How long this process has stood ready without getting a CPU; 0 if the system does not tell.
fn waited_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// The wall clock, and how much of it was spent waiting for a CPU.
struct Stopwatch {
    start: Instant,
    waited_ns: u64,
}

impl Stopwatch {
    fn start() -> Self {
        let waited_ns = waited_ns();
        Stopwatch { start: Instant::now(), waited_ns }
    }

    /// (ns, of these waited)
    fn stop(&self) -> (u64, u64) {
        let ns = self.start.elapsed().as_nanos() as u64;
        (ns, waited_ns() - self.waited_ns)
    }
}

/// The first half of an answer; the caller goes on with more fields.
fn lap(op: &str, (ns, waited): (u64, u64), n: u64) -> String {
    format!("{{\"op\":\"{op}\",\"ns\":{ns},\"waited_ns\":{waited},\"n\":{n}")
}

struct Peer<E: Engine> {
    file: String,
    keys: Keyset,
    present: Keyset,
    absent: Keyset,
    handle: Option<E::Handle>,
}

impl<E: Engine> Peer<E> {
    fn build(&mut self) -> Res<String> {
        self.handle = None;
        if std::fs::exists(&self.file)? {
            std::fs::remove_file(&self.file)?;
        }
        // Sets the peak of the resident memory back to what is resident now.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let before = status_nbytes("VmRSS");
        let watch = Stopwatch::start();
        E::build(&self.keys, &self.file)?;
        Ok(format!(
            "{},\"file_bytes\":{},\"peak_rss_growth_bytes\":{}}}",
            lap("build", watch.stop(), self.keys.nkeys),
            std::fs::metadata(&self.file)?.len(),
            status_nbytes("VmHWM").saturating_sub(before)
        ))
    }

    fn open(&mut self) -> Res<String> {
        let mut ns = Vec::with_capacity(OPENS_PER_ROUND);
        self.handle = None;
        let watch = Stopwatch::start();
        for _ in 0..OPENS_PER_ROUND {
            let start = Instant::now();
            let handle = E::open(&self.file)?;
            ns.push(start.elapsed().as_nanos() as u64);
            drop(handle);
        }
        ns.sort_unstable();
        let waited = watch.stop().1 / OPENS_PER_ROUND as u64;
        Ok(lap("open", (ns[OPENS_PER_ROUND / 2], waited), 1) + "}")
    }

    fn read(&mut self, op: &str) -> Res<String> {
        if self.handle.is_none() {
            self.handle = Some(E::open(&self.file)?);
        }
        let handle = self.handle.as_ref().unwrap();
        let watch = Stopwatch::start();
        let (answer, queries) = match op {
            "present" => (E::get(handle, &self.present)?, Some(&self.present)),
            "absent" => (E::get(handle, &self.absent)?, Some(&self.absent)),
            "scan" => (E::scan(handle)?, None),
            "iterate" => (E::iterate(handle)?, None),
            _ => return Err(format!("{op}: no such operation").into()),
        };
        let time = watch.stop();
        Ok(format!(
            "{},\"hits\":{},\"value_sum\":{},\"key_bytes\":{}}}",
            lap(op, time, queries.map_or(answer.hits, |q| q.nkeys)),
            answer.hits,
            answer.value_sum,
            answer.keys_nbytes
        ))
    }
}

fn serve<E: Engine>() -> Res<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, keys, present, absent, file, ..] = args.as_slice() else {
        return Err("usage: peer KEYS PRESENT ABSENT FILE".into());
    };
    let mut peer = Peer::<E> {
        file: file.clone(),
        keys: Keyset::load(keys)?,
        present: Keyset::load(present)?,
        absent: Keyset::load(absent)?,
        handle: None,
    };
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{{\"engine\":\"{}\",\"version\":\"{}\",\"note\":\"{}\",\"keys_only\":0,\"ops\":[\"{}\"]}}",
        E::NAME, E::VERSION, E::NOTE, E::OPS.join("\",\"")
    )?;
    for line in std::io::stdin().lock().lines() {
        let answer = match line?.as_str() {
            "build" => peer.build()?,
            "open" => peer.open()?,
            op => peer.read(op)?,
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

/// The whole of an engine's `main`.
pub fn peer_main<E: Engine>() {
    if let Err(error) = serve::<E>() {
        eprintln!("{}: {error}", E::NAME);
        std::process::exit(1);
    }
}
