//! A log-normal mixture fitted to a histogram of logarithms by expectation and maximisation.
//!
//! **Enters:** bins of (natural logarithm, weight). **Leaves:** parts in the order of their means whose weights add
//! up to 1. **Promises** the same bits for the same bins: starting values are quantiles, no chance is
//! involved, and sums run in the order of the bins.

/// A natural logarithm, and how many rows have it.
pub type Bin = (f64, f64);

/// The most parts that are tried.
pub const PARTS_MAX: usize = 4;

/// A further part must raise the mean log-likelihood of a row by so much to be worth its place.
const GAIN_MIN: f64 = 0.002;

/// Steps of one fit at most.
const STEPS_MAX: usize = 2_000;

/// A fit has settled when a step raises the mean log-likelihood by less.
const SETTLED: f64 = 1e-8;

/// A part is never narrower: prices such as 59.00 would draw one onto a single value.
const DEVIATION_MIN: f64 = 0.05;

/// One log-normal part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// The share of rows in it.
    pub weight: f64,
    /// The mean of the logarithm.
    pub mean: f64,
    /// The standard deviation of the logarithm.
    pub deviation: f64,
}

impl Part {
    /// The density of the part, its weight included.
    pub fn density(&self, log: f64) -> f64 {
        let distance = (log - self.mean) / self.deviation;
        let scale = self.deviation * libm::sqrt(core::f64::consts::TAU);
        self.weight * libm::exp(-0.5 * distance * distance) / scale
    }
}

/// As many parts as are worth it, [`PARTS_MAX`] at most; none where no bin has weight.
pub fn fit(bins: &[Bin]) -> Vec<Part> {
    let total: f64 = bins.iter().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let mut best: (Vec<Part>, f64) = (Vec::new(), f64::NEG_INFINITY);
    for count in 1..=PARTS_MAX {
        let fitted = fit_parts(bins, total, count);
        if fitted.1 < best.1 + GAIN_MIN {
            break;
        }
        best = fitted;
    }
    best.0.sort_by(|a, b| a.mean.total_cmp(&b.mean));
    best.0
}

/// The better of two fits: one that starts with the parts side by side, one that starts with them within
/// each other, as a narrow peak over a wide ground wants it.
fn fit_parts(bins: &[Bin], total: f64, count: usize) -> (Vec<Part>, f64) {
    let beside = settle(bins, total, side_by_side(bins, total, count));
    let within = settle(bins, total, one_in_another(bins, total, count));
    if within.1 > beside.1 { within } else { beside }
}

fn moments(bins: &[Bin], total: f64) -> (f64, f64) {
    let mean = bins.iter().map(|(log, weight)| log * weight).sum::<f64>() / total;
    let square = |(log, weight): &(f64, f64)| weight * (log - mean) * (log - mean);
    let variance = bins.iter().map(square).sum::<f64>() / total;
    (mean, libm::sqrt(variance).max(DEVIATION_MIN))
}

fn side_by_side(bins: &[Bin], total: f64, count: usize) -> Vec<Part> {
    let (_, deviation) = moments(bins, total);
    let part = |number: usize| Part {
        weight: 1.0 / count as f64,
        mean: quantile(bins, total, (number as f64 + 0.5) / count as f64),
        deviation: (deviation / count as f64).max(DEVIATION_MIN),
    };
    (0..count).map(part).collect()
}

fn one_in_another(bins: &[Bin], total: f64, count: usize) -> Vec<Part> {
    let (mean, deviation) = moments(bins, total);
    let part = |number: usize| Part {
        weight: 1.0 / count as f64,
        // Not all on one spot: parts that start alike stay alike.
        mean: mean + 0.2 * deviation * number as f64,
        deviation: (deviation * 1.5 * libm::pow(0.45, number as f64)).max(DEVIATION_MIN),
    };
    (0..count).map(part).collect()
}

fn quantile(bins: &[Bin], total: f64, share: f64) -> f64 {
    let mut below = 0.0;
    for (log, weight) in bins {
        below += weight;
        if below >= share * total {
            return *log;
        }
    }
    bins.last().map_or(0.0, |(log, _)| *log)
}

/// Steps until nothing moves; the parts with the mean log-likelihood of a row.
fn settle(bins: &[Bin], total: f64, mut parts: Vec<Part>) -> (Vec<Part>, f64) {
    let mut before = f64::NEG_INFINITY;
    for _ in 0..STEPS_MAX {
        let likelihood = step(bins, total, &mut parts);
        if likelihood - before < SETTLED {
            return (parts, likelihood);
        }
        before = likelihood;
    }
    (parts, before)
}

/// One step; the mean log-likelihood is that of the parts before it.
fn step(bins: &[Bin], total: f64, parts: &mut [Part]) -> f64 {
    let mut sums = [[0.0; 3]; PARTS_MAX];
    let mut shares = [0.0; PARTS_MAX];
    let mut likelihood = 0.0;
    for (log, weight) in bins {
        let mut all = 0.0;
        for (share, part) in shares.iter_mut().zip(parts.iter()) {
            *share = part.density(*log);
            all += *share;
        }
        // So far out that no part reaches it: it counts for nobody, and heavily against the fit.
        let all = all.max(f64::MIN_POSITIVE);
        likelihood += weight * libm::log(all);
        for ((sum, share), _) in sums.iter_mut().zip(&shares).zip(parts.iter()) {
            let mine = weight * share / all;
            let [mass, first, second] = sum;
            *mass += mine;
            *first += mine * log;
            *second += mine * log * log;
        }
    }
    for (part, [mass, first, second]) in parts.iter_mut().zip(sums) {
        if mass <= 0.0 {
            part.weight = 0.0;
            continue;
        }
        part.weight = mass / total;
        part.mean = first / mass;
        let variance = (second / mass - part.mean * part.mean).max(0.0);
        part.deviation = libm::sqrt(variance).max(DEVIATION_MIN);
    }
    likelihood / total
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exact masses of a mixture in bins of 0.02.
    fn bins_of(parts: &[Part]) -> Vec<(f64, f64)> {
        (-300..900)
            .map(|bin| f64::from(bin) * 0.02)
            .map(|log| {
                let density: f64 = parts.iter().map(|part| part.density(log)).sum();
                (log, 1_000_000.0 * 0.02 * density)
            })
            .collect()
    }

    fn part(weight: f64, mean: f64, deviation: f64) -> Part {
        Part {
            weight,
            mean,
            deviation,
        }
    }

    fn assert_close(found: &[Part], known: &[Part], tolerance: f64) {
        assert_eq!(found.len(), known.len(), "{found:?}");
        for (found, known) in found.iter().zip(known) {
            for (a, b) in [
                (found.weight, known.weight),
                (found.mean, known.mean),
                (found.deviation, known.deviation),
            ] {
                assert!((a - b).abs() < tolerance, "{found:?} is not {known:?}");
            }
        }
    }

    #[test]
    fn one_two_and_three_known_parts_are_found_again() {
        let one = [part(1.0, 4.0, 0.8)];
        assert_close(&fit(&bins_of(&one)), &one, 0.01);
        let two = [part(0.3, 1.5, 0.5), part(0.7, 4.2, 0.7)];
        assert_close(&fit(&bins_of(&two)), &two, 0.02);
        let three = [
            part(0.2, 0.5, 0.4),
            part(0.5, 3.5, 0.6),
            part(0.3, 7.0, 0.5),
        ];
        assert_close(&fit(&bins_of(&three)), &three, 0.02);
    }

    #[test]
    fn a_narrow_peak_over_a_wide_ground_is_found() {
        let known = [part(0.5, 4.05, 1.3), part(0.5, 4.1, 0.3)];
        let mut found = fit(&bins_of(&known));
        found.sort_by(|a, b| b.deviation.total_cmp(&a.deviation));
        assert_close(&found, &known, 0.05);
    }

    #[test]
    fn a_single_price_gives_one_narrow_part_and_nothing_gives_none() {
        let found = fit(&[(4.0, 500.0)]);
        assert_eq!(found, [part(1.0, 4.0, DEVIATION_MIN)]);
        assert!(fit(&[]).is_empty());
    }
}
