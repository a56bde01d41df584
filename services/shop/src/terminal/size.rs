//! Sizes of files as text.

/// The units above a byte, and how many bytes are a tenth of each.
const UNITS: [(&str, u64); 4] = [
    ("kB", 100),
    ("MB", 100_000),
    ("GB", 100_000_000),
    ("TB", 100_000_000_000),
];

/// A number of bytes with a decimal unit, such as `1.5 MB`.
pub fn size(bytes: u64) -> String {
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let in_tenths = |tenth: u64| bytes.saturating_add(tenth / 2) / tenth;
    let fits = |unit: &&(&str, u64)| in_tenths(unit.1) < 10_000;
    let [.., largest] = UNITS;
    let (unit, tenth) = UNITS.iter().find(fits).copied().unwrap_or(largest);
    let tenths = in_tenths(tenth);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_one_decimal() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_000), "1.0 kB");
        assert_eq!(size(1_549_999), "1.5 MB");
        assert_eq!(size(999_960), "1.0 MB");
        assert_eq!(size(123_456_789_012), "123.5 GB");
        assert_eq!(size(u64::MAX / 2), "9223372.0 TB");
    }
}
