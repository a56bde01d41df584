//! Which traces are exported.

use opentelemetry_sdk::trace::Sampler;

/// Which traces are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplerKind {
    root: RootSampler,
    /// Whether the caller decides, if it sends a trace context.
    is_parent_based: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RootSampler {
    AlwaysOn,
    AlwaysOff,
    Ratio,
}

impl SamplerKind {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (is_parent_based, root) = match text.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, text),
        };
        let root = match root {
            "always_on" => RootSampler::AlwaysOn,
            "always_off" => RootSampler::AlwaysOff,
            "traceidratio" => RootSampler::Ratio,
            _ => return None,
        };
        Some(Self {
            root,
            is_parent_based,
        })
    }

    /// `ratio` is the part of all traces that the sampler by ratio exports.
    pub(super) fn sampler(self, ratio: f64) -> Sampler {
        let root = match self.root {
            RootSampler::AlwaysOn => Sampler::AlwaysOn,
            RootSampler::AlwaysOff => Sampler::AlwaysOff,
            RootSampler::Ratio => Sampler::TraceIdRatioBased(ratio),
        };
        if self.is_parent_based {
            Sampler::ParentBased(Box::new(root))
        } else {
            root
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SamplerKind;

    #[test]
    fn samplers_have_the_names_of_the_specification() {
        for known in ["always_on", "always_off", "traceidratio"] {
            let alone = SamplerKind::parse(known).expect(known);
            let based = SamplerKind::parse(&format!("parentbased_{known}")).expect(known);
            assert!(!alone.is_parent_based && based.is_parent_based);
            assert_eq!(alone.root, based.root);
        }
        for unknown in ["", "on", "parentbased_", "jaeger_remote", "ALWAYS_ON"] {
            assert_eq!(SamplerKind::parse(unknown), None, "{unknown}");
        }
    }
}
