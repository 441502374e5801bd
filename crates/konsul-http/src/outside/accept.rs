//! Which of Prometheus' two forms a client wants (RFC 9110, section 12.5.1).

use konsul_operations::ports::MetricsFormat;

/// OpenMetrics if the client likes it at least as well as plain text.
pub(crate) fn wanted(accept: &str) -> MetricsFormat {
    let open = quality(accept, "application/openmetrics-text", None);
    let plain = quality(accept, "text/plain", Some("*/*"));
    if open > 0.0 && open >= plain { MetricsFormat::OpenMetrics } else { MetricsFormat::Prometheus }
}

/// How well a type is liked: the best `q` of what names it, else of what stands for all.
fn quality(accept: &str, kind: &str, all: Option<&str>) -> f32 {
    let of = |wanted: &str| {
        let named = ranges(accept).filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, quality)| quality).reduce(f32::max)
    };
    of(kind).or_else(|| of(all?)).unwrap_or(0.0)
}

fn ranges(accept: &str) -> impl Iterator<Item = (&str, f32)> {
    accept.split(',').map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        (name, quality.map_or(1.0, |text| text.trim().parse().unwrap_or(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, expect: MetricsFormat) {
        assert_eq!(wanted(accept), expect, "{accept}");
    }

    #[test]
    fn the_better_liked_form_is_chosen() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
             version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        check(prometheus, MetricsFormat::OpenMetrics);
        check("", MetricsFormat::Prometheus);
        check("*/*", MetricsFormat::Prometheus);
        check("text/plain", MetricsFormat::Prometheus);
        check("application/openmetrics-text", MetricsFormat::OpenMetrics);
        check("application/openmetrics-text;q=0", MetricsFormat::Prometheus);
        check("application/openmetrics-text; q=0.3, text/plain; q=0.9", MetricsFormat::Prometheus);
        check("application/openmetrics-text;q=0.3,*/*;q=0.9", MetricsFormat::Prometheus);
        check("Application/OpenMetrics-Text", MetricsFormat::OpenMetrics);
    }
}
