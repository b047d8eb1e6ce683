//! What a process can say about itself: the time, the memory, the faults and the bytes read that
//! something cost it. As `bench/meter.c`.

use std::time::Instant;

/// The number behind "FIELD:" in a file of /proc; 0 if there is none.
fn proc_field(file: &str, field: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The resident memory of this process now.
pub fn resident_nbytes() -> u64 {
    proc_field("/proc/self/status", "VmRSS") * 1024
}

/// The most resident memory there was since `reset_peak`.
pub fn peak_nbytes() -> u64 {
    proc_field("/proc/self/status", "VmHWM") * 1024
}

pub fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// How long this process has stood ready without getting a CPU; 0 if the system does not tell.
fn waited_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// The wall clock, and how much of it was spent waiting for a CPU.
pub struct Stopwatch {
    start: Instant,
    waited_ns: u64,
}

impl Stopwatch {
    pub fn start() -> Self {
        let waited_ns = waited_ns();
        Stopwatch { start: Instant::now(), waited_ns }
    }

    /// (ns, of these waited)
    pub fn stop(&self) -> (u64, u64) {
        let ns = self.start.elapsed().as_nanos() as u64;
        (ns, waited_ns() - self.waited_ns)
    }
}

/// What this process has had from the disk since it started.
pub struct Traffic {
    pub major_faults: u64,
    pub read_nbytes: u64,
}

pub fn traffic() -> Traffic {
    // The fields behind the name, which may hold blanks: state is the first, majflt the tenth.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let major_faults = fields.split_whitespace().nth(9).and_then(|word| word.parse().ok());
    Traffic {
        major_faults: major_faults.unwrap_or(0),
        read_nbytes: proc_field("/proc/self/io", "read_bytes"),
    }
}

const STEPS: usize = 128;
const OCTAVES: usize = 40;

/// How often something took how long, in buckets of 1/128 of their size: the same small memory for
/// any number of times.
pub struct Histogram {
    counts: Vec<u32>,
    total: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Histogram { counts: vec![0; OCTAVES * STEPS], total: 0 }
    }

    pub fn add(&mut self, ns: u64) {
        // Below 2 * STEPS every nanosecond has a bucket of its own.
        let octave = (56 - (ns | 1).leading_zeros().min(56) as usize).min(OCTAVES - 2);
        let step = (ns >> octave) as usize;
        let bucket = octave * STEPS + step;
        self.counts[bucket.min(OCTAVES * STEPS - 1)] += 1;
        self.total += 1;
    }

    /// The time that a share of all times do not exceed, in thousandths; 0 if there are none.
    pub fn quantile(&self, permille: u64) -> u64 {
        let place = (self.total * permille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            seen += u64::from(count);
            if seen >= place {
                let octave = (bucket / STEPS).saturating_sub(1);
                let first = ((bucket - octave * STEPS) as u64) << octave;
                // The middle of the bucket.
                return first + ((1 << octave) >> 1);
            }
        }
        0
    }
}
