//! Which record is asked for next.

use precinto_bench_report::results::Keys;

/// Exponent of Zipf's law, as YCSB has it.
const EXPONENT: f64 = 0.99;

/// Numbers without a pattern, the same in every run (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Begins at `seed`.
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// From 0 to below 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How records are chosen.
#[derive(Debug)]
pub(crate) enum Ranks {
    /// Each of so many alike.
    Uniform(u64),
    /// By Zipf's law: the sum of the shares up to each rank, of the sum of all.
    Zipf(Vec<f64>),
}

impl Ranks {
    /// Among so many records.
    pub(crate) fn new(keys: Keys, records: u64) -> Ranks {
        match keys {
            Keys::Uniform => Ranks::Uniform(records),
            Keys::Zipf => {
                let mut sum = 0.0;
                let share = |rank: u64| {
                    sum += (rank as f64).powf(-EXPONENT);
                    sum
                };
                Ranks::Zipf((1..=records).map(share).collect())
            }
        }
    }

    /// A rank, from 0 on; 0 where there is no record.
    pub(crate) fn draw(&self, random: &mut Random) -> u64 {
        match self {
            Ranks::Uniform(records) => random.below((*records).max(1)),
            Ranks::Zipf(sums) => {
                let at = random.fraction() * sums.last().copied().unwrap_or_default();
                sums.partition_point(|sum| *sum <= at) as u64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of 10,000 draws among 100 records fall to each.
    fn counts(keys: Keys) -> Vec<u32> {
        let (ranks, mut random) = (Ranks::new(keys, 100), Random::new(7));
        let mut counts = vec![0; 100];
        for _ in 0..10_000 {
            counts[ranks.draw(&mut random) as usize] += 1;
        }
        counts
    }

    #[test]
    fn uniform_draws_fall_to_all_alike() {
        assert!(counts(Keys::Uniform).iter().all(|count| (50..150).contains(count)));
    }

    #[test]
    fn zipf_draws_follow_their_law() {
        let counts = counts(Keys::Zipf);
        // The first of 100 has the share 1 / (sum of rank^-0.99) = 0.189, the tenth a tenth of it.
        assert!((1_750..2_050).contains(&counts[0]), "{counts:?}");
        assert!((140..260).contains(&counts[9]), "{counts:?}");
    }
}
