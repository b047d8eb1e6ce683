//! The Rust half of the benchmark's protocol: the same packed key files, operations and answers as
//! `bench/keyset.h` and `bench/peer.c`. bench/README.md describes them.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use memmap2::{Mmap, MmapOptions};

mod meter;

use meter::{Histogram, Stopwatch};

pub type Res<T> = Result<T, Box<dyn Error>>;

const HEADER_NBYTES: usize = 32;
/// One opening takes microseconds: the median of this many stands for a round.
const OPENS_PER_ROUND: usize = 101;

/// A packed set of keys, mapped and checked, every page touched.
pub struct Keyset {
    data: Mmap,
    pub nkeys: u64,
    /// Build with the value 0 for every key; not in the file.
    all_zero: bool,
}

impl Keyset {
    pub fn load(file: &str) -> Res<Self> {
        let data = unsafe { MmapOptions::new().populate().map(&File::open(file)?)? };
        if data.len() < HEADER_NBYTES || &data[..8] != b"BENCHKEY" {
            return Err(format!("{file}: not a packed set of keys").into());
        }
        let field = |at: usize| u64::from_le_bytes(data[at..at + 8].try_into().unwrap());
        let (nkeys, keys_nbytes) = (field(8), field(16));
        let set = Keyset { data, nkeys, all_zero: false };
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

    /// The keys with the values to build from.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let all_zero = self.all_zero;
        self.iter().enumerate().map(move |(i, key)| (key, if all_zero { 0 } else { i as u64 }))
    }

    pub fn iter(&self) -> Keys<'_> {
        self.from(HEADER_NBYTES)
    }

    /// From the record at that offset on.
    fn from(&self, offset: usize) -> Keys<'_> {
        Keys { left: &self.data[offset..] }
    }
}

/// The keys of a set, or some of them, in the order of the file.
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

impl<'a> Keys<'a> {
    /// Steps over the next key, and gives it as a set of its own.
    fn take_one(&mut self) -> Keys<'a> {
        let before = self.left;
        self.next();
        Keys { left: &before[..before.len() - self.left.len()] }
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
    /// The engine's own check of a whole file.
    fn verify(_file: &str) -> Res<()> {
        Err("no check of its own".into())
    }
    /// This and what follows may be left out by engines that only build: see `OPS`.
    fn open(_file: &str) -> Res<Self::Handle> {
        Err("build only".into())
    }
    fn get(_handle: &Self::Handle, _queries: Keys, _answer: &mut Answer) -> Res<()> {
        Err("build only".into())
    }
    fn scan(_handle: &Self::Handle) -> Res<Answer> {
        Err("build only".into())
    }
    /// A second way to go through all entries.
    fn iterate(_handle: &Self::Handle) -> Res<Answer> {
        Err("no second way to scan".into())
    }
}

/// The first part of an answer; the caller goes on with more fields.
fn lap(op: &str, (ns, waited): (u64, u64), n: u64) -> String {
    format!("{{\"op\":\"{op}\",\"ns\":{ns},\"waited_ns\":{waited},\"n\":{n}")
}

fn found(lap: String, answer: &Answer) -> String {
    format!(
        "{lap},\"hits\":{},\"value_sum\":{},\"key_bytes\":{}",
        answer.hits, answer.value_sum, answer.keys_nbytes
    )
}

struct Peer<E: Engine> {
    file: String,
    keys: Keyset,
    present: Keyset,
    absent: Keyset,
    handle: Option<E::Handle>,
}

impl<E: Engine> Peer<E> {
    fn build(&self, op: &str, file: &str) -> Res<String> {
        if std::fs::exists(file)? {
            std::fs::remove_file(file)?;
        }
        meter::reset_peak();
        let before = meter::resident_nbytes();
        let watch = Stopwatch::start();
        E::build(&self.keys, file)?;
        Ok(format!(
            "{},\"file_bytes\":{},\"peak_rss_growth_bytes\":{}}}",
            lap(op, watch.stop(), self.keys.nkeys),
            std::fs::metadata(file)?.len(),
            meter::peak_nbytes().saturating_sub(before)
        ))
    }

    /// Beside the file of the other operations, and gone afterwards: only its size is of interest.
    fn build_zero(&mut self) -> Res<String> {
        let file = format!("{}.zero", self.file);
        self.keys.all_zero = true;
        let answer = self.build("build-zero", &file);
        self.keys.all_zero = false;
        std::fs::remove_file(file)?;
        answer
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

    fn ensure_open(&mut self) -> Res<()> {
        if self.handle.is_none() {
            self.handle = Some(E::open(&self.file)?);
        }
        Ok(())
    }

    fn get(&self, op: &str, queries: &Keyset) -> Res<String> {
        let handle = self.handle.as_ref().ok_or("not open")?;
        let mut answer = Answer::default();
        let watch = Stopwatch::start();
        E::get(handle, queries.iter(), &mut answer)?;
        Ok(found(lap(op, watch.stop(), queries.nkeys), &answer) + "}")
    }

    fn scan(&self, op: &str) -> Res<String> {
        let handle = self.handle.as_ref().ok_or("not open")?;
        let watch = Stopwatch::start();
        let answer = if op == "scan" { E::scan(handle)? } else { E::iterate(handle)? };
        Ok(found(lap(op, watch.stop(), answer.hits), &answer) + "}")
    }

    fn read(&mut self, op: &str) -> Res<String> {
        self.ensure_open()?;
        match op {
            "present" => self.get(op, &self.present),
            "absent" => self.get(op, &self.absent),
            "scan" | "iterate" => self.scan(op),
            _ => Err(format!("{op}: no such operation").into()),
        }
    }

    /// Some of the present queries, each timed by itself: `nkeys` at most; none begins after `ms`.
    fn sample_calls<'a>(
        &'a self,
        mut queries: Keys<'a>,
        [nkeys, ms]: [u64; 2],
    ) -> Res<(u64, Answer, Histogram)> {
        let handle = self.handle.as_ref().ok_or("not open")?;
        let (mut answer, mut histogram, mut done) = (Answer::default(), Histogram::new(), 0);
        let (begin, limit) = (Instant::now(), Duration::from_millis(ms));
        while done < nkeys && begin.elapsed() < limit {
            if queries.left.is_empty() {
                queries = self.present.iter();
            }
            let query = queries.take_one();
            let start = Instant::now();
            E::get(handle, query, &mut answer)?;
            histogram.add(start.elapsed().as_nanos() as u64);
            done += 1;
        }
        Ok((done, answer, histogram))
    }

    /// Opening, if the file is closed, counts: what an engine reads then it need not read later.
    fn sample(&mut self, [first, nkeys, ms]: [u64; 3]) -> Res<String> {
        let mut skipped = self.present.iter();
        skipped.by_ref().take(first as usize).for_each(drop);
        let start = self.present.data.len() - skipped.left.len();
        let before = meter::traffic();
        let watch = Stopwatch::start();
        self.ensure_open()?;
        let open_ns = watch.stop().0;
        let (done, answer, histogram) = self.sample_calls(self.present.from(start), [nkeys, ms])?;
        let time = watch.stop();
        let after = meter::traffic();
        let percentiles: Vec<String> =
            (0..=100).map(|percent| histogram.quantile(percent * 10).to_string()).collect();
        Ok(format!(
            "{},\"open_ns\":{open_ns},\"major_faults\":{},\"read_bytes\":{},\"p999_ns\":{},\
             \"percentiles_ns\":[{}]}}",
            found(lap("sample", time, done), &answer),
            after.major_faults - before.major_faults,
            after.read_nbytes - before.read_nbytes,
            histogram.quantile(999),
            percentiles.join(",")
        ))
    }

    fn run(&mut self, op: &str) -> Res<String> {
        match op {
            "build" => {
                self.handle = None;
                self.build(op, &self.file)
            }
            "build-zero" => self.build_zero(),
            // For tests of what is left when it is killed: over the file that is there.
            "rebuild" => {
                self.handle = None;
                E::build(&self.keys, &self.file)?;
                Ok("{\"op\":\"rebuild\"}".into())
            }
            "verify" => {
                E::verify(&self.file)?;
                Ok("{\"op\":\"verify\"}".into())
            }
            "open" => self.open(),
            "close" => {
                self.handle = None;
                Ok("{\"op\":\"close\"}".into())
            }
            _ => match op.strip_prefix("sample ") {
                Some(words) => {
                    let numbers: Vec<u64> =
                        words.split(' ').map(str::parse).collect::<Result<_, _>>()?;
                    self.sample(numbers.try_into().map_err(|_| "sample FIRST N MS")?)
                }
                None => self.read(op),
            },
        }
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
        let answer = peer.run(&line?)?;
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
