//! Metrics of the process itself, with the standard names of Prometheus' client libraries.
//!
//! They are collected on each scrape, and rendered here because the recorder's counters are integers only. Those of the runtime
//! are collected at the same time.

use std::fmt::{Display, Write};
use std::fs;
use std::path::Path;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use tokio::runtime::Handle;

use crate::metric_help::METRICS;

/// The metrics of the runtime, and those that this system provides, as text; without `/proc` only the former.
pub(crate) fn render() -> String {
    let mut text = String::new();
    let mut metric = |name: &str, value: &dyn Display| {
        let of_name = |(known, ..): &&(&str, _, _, _, _, _)| *known == name;
        if let Some((_, kind, .., help)) = METRICS.iter().find(of_name) {
            let kind = kind.name();
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                text,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
            );
        }
    };
    if let Ok(runtime) = Handle::try_current() {
        let runtime = runtime.metrics();
        metric("tokio_workers", &runtime.num_workers());
        metric("tokio_alive_tasks", &runtime.num_alive_tasks());
        metric("tokio_global_queue_tasks", &runtime.global_queue_depth());
    }
    let Some(stat) = Stat::read() else {
        return text;
    };
    metric("process_cpu_seconds_total", &stat.cpu_seconds);
    metric("process_resident_memory_bytes", &stat.resident_bytes);
    metric("process_virtual_memory_bytes", &stat.virtual_bytes);
    metric("process_threads", &stat.threads);
    let limit = memory_limit(Path::new(MEMORY_LIMIT));
    metric("process_memory_limit_bytes", &or_infinite(limit));
    if let Some(boot) = boot_time() {
        let started = boot + stat.started_after_boot;
        metric("process_start_time_seconds", &started);
    }
    if let Some(open) = open_files() {
        metric("process_open_fds", &open);
    }
    let limit = getrlimit(Resource::Nofile).current;
    metric("process_max_fds", &or_infinite(limit));
    text
}

/// A limit in the text format of Prometheus.
fn or_infinite(limit: Option<u64>) -> String {
    limit.map_or_else(|| "+Inf".to_owned(), |limit| limit.to_string())
}

/// The limit of the process's control group, as a container sees its own. A machine's root group has no such file.
const MEMORY_LIMIT: &str = "/sys/fs/cgroup/memory.max";

/// `None` if there is no limit.
fn memory_limit(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[derive(Debug)]
struct Stat {
    cpu_seconds: f64,
    threads: u64,
    started_after_boot: f64,
    virtual_bytes: u64,
    resident_bytes: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// The field numbers are those of proc(5). The second field, the program's name, may contain any characters.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let seconds = |ticks: u64| in_seconds(ticks, clock_ticks_per_second());
        Some(Self {
            cpu_seconds: seconds(field(14)? + field(15)?),
            threads: field(20)?,
            started_after_boot: seconds(field(22)?),
            virtual_bytes: field(23)?,
            resident_bytes: field(24)?.saturating_mul(page_size() as u64),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for thousands of years")]
fn in_seconds(ticks: u64, ticks_per_second: u64) -> f64 {
    ticks as f64 / ticks_per_second.max(1) as f64
}

/// When the system started, in seconds since 1970.
fn boot_time() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

fn open_files() -> Option<usize> {
    // The directory itself is open while it is read.
    Some(
        fs::read_dir("/proc/self/fd")
            .ok()?
            .count()
            .saturating_sub(1),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Stat, memory_limit, render};

    #[test]
    fn a_memory_limit_is_read_and_its_absence_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("memory.max");
        assert_eq!(memory_limit(&file), None, "no control group");
        fs::write(&file, "max\n").expect("written");
        assert_eq!(memory_limit(&file), None);
        fs::write(&file, "268435456\n").expect("written");
        assert_eq!(memory_limit(&file), Some(256 << 20));
    }

    #[tokio::test]
    async fn the_runtime_has_this_task() {
        let text = render();
        assert!(text.contains("\ntokio_workers 1\n"), "{text}");
        assert!(text.contains("# TYPE tokio_alive_tasks gauge"), "{text}");
    }

    #[test]
    fn a_program_name_with_parentheses_and_blanks_is_parsed() {
        let text = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15 16 9 18 1000 4096 3 rest";
        let stat = Stat::parse(text).expect("a line of /proc");
        let ticks = rustix::param::clock_ticks_per_second();
        assert!((stat.cpu_seconds - super::in_seconds(200, ticks)).abs() < 1e-9);
        assert_eq!((stat.threads, stat.virtual_bytes), (9, 4096));
        assert_eq!(stat.resident_bytes, 3 * rustix::param::page_size() as u64);
        assert!(Stat::parse("7 (a) S 1").is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_values_are_those_of_this_process() {
        let text = render();
        let value = |name: &str| -> f64 {
            let mut lines = text.lines();
            let line = lines.find_map(|line| line.strip_prefix(&format!("{name} ")));
            line.expect(name).parse().expect("a number")
        };
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
        assert!(value("process_threads") >= 1.0);
        assert!(value("process_memory_limit_bytes") > value("process_resident_memory_bytes"));
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_cpu_seconds_total") >= 0.0);
        // After this test was written.
        assert!(value("process_start_time_seconds") > 1_700_000_000.0);
    }
}
