//! Reading a model's choices out of bytes. When the bytes run out, every choice is the first.

use arbitrary::{Arbitrary, Unstructured};

/// A source of choices.
pub(crate) struct Take<'b>(Unstructured<'b>);

impl<'b> Take<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Take<'b> {
        Take(Unstructured::new(bytes))
    }

    /// Whether nothing is left to choose from.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Any value of a type.
    pub(crate) fn any<T: Arbitrary<'b> + Default>(&mut self) -> T {
        self.0.arbitrary().unwrap_or_default()
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.int_in_range(0..=end - 1).unwrap_or(0)
    }

    /// One of `items`, which is not empty.
    pub(crate) fn one<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    /// A value, or none.
    pub(crate) fn option<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.any::<bool>().then(|| value(self))
    }

    /// At most `most` values.
    pub(crate) fn list<T>(&mut self, most: usize, mut value: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let len = self.below(most + 1);
        (0..len).map(|_| value(self)).collect()
    }

    /// At most `most` bytes.
    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        let len = self.below(most + 1).min(self.0.len());
        self.0.bytes(len).map(<[u8]>::to_vec).unwrap_or_default()
    }

    /// Everything that is left.
    pub(crate) fn rest(self) -> &'b [u8] {
        self.0.take_rest()
    }
}
