//! What is drawn from a seed.

use std::{ops::RangeInclusive, time::Duration};

/// A generator (SplitMix64): the same seed, the same draws.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Another one, whose draws do not depend on how many are taken here later.
    pub fn fork(&mut self) -> Dice {
        Dice(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (first, last) = range.into_inner();
        first + self.next() % (last - first + 1)
    }

    /// A time of so many milliseconds.
    pub fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// Whether something of this chance happens.
    pub fn per_mille(&mut self, chance: u64) -> bool {
        self.next() % 1000 < chance
    }

    /// One of these. There must be one.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let index = self.next() % from.len() as u64;
        from[index as usize]
    }

    /// `count` of these (at most all), in any order.
    pub fn some<T: Copy>(&mut self, from: &[T], count: usize) -> Vec<T> {
        let mut left = from.to_vec();
        let count = count.min(left.len());
        (0..count)
            .map(|_| left.swap_remove(self.within(0..=left.len() as u64 - 1) as usize))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_sequence_and_a_fork_another() {
        let draw = |mut dice: Dice| -> Vec<u64> { (0..20).map(|_| dice.within(0..=999)).collect() };
        assert_eq!(draw(Dice::new(7)), draw(Dice::new(7)));
        assert_ne!(draw(Dice::new(7)), draw(Dice::new(8)));
        assert_ne!(draw(Dice::new(7)), draw(Dice::new(7).fork()));
    }

    #[test]
    fn draws_are_of_their_range_and_reach_all_of_it() {
        let mut dice = Dice::new(1);
        let mut seen = [false; 3];
        for _ in 0..100 {
            seen[usize::try_from(dice.within(0..=2)).unwrap()] = true;
            let some = dice.some(&[1, 2, 3], 2);
            assert!(some.len() == 2 && some[0] != some[1]);
        }
        assert_eq!(seen, [true; 3]);
        assert!(!dice.per_mille(0) && dice.per_mille(1000));
    }
}
