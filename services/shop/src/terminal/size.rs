//! Sizes of files as text.

/// A number of bytes with a decimal unit, such as `1.5 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    // Tenths of the unit, rounded.
    let mut tenths = bytes.saturating_add(50) / 100;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if tenths < 10_000 {
            break;
        }
        tenths = (tenths + 500) / 1_000;
        unit = larger;
    }
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
        assert_eq!(size(u64::MAX), "18446744.1 TB");
    }
}
