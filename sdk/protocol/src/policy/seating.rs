//! Which signers can fill the terms of a policy's alternative together.
//!
//! A term has as many seats as signatures it asks for; where its members must differ, each member
//! has one place in it. Signers are seated one after the other; a seated one moves to another term
//! if that makes room, but never loses its seat. This is the augmentation of a maximum matching
//! (Ford and Fulkerson), so it finds a seat whenever there is one, in time linear in signers times
//! places, and the signers that came first are preferred.

use alloc::{collections::BTreeSet, vec, vec::Vec};

use super::{Term, Who};
use crate::call::Signer;

/// Signers on the seats of one alternative's terms.
pub(super) struct Seating<'a> {
    terms: &'a [Term],
    /// All who may be seated; the first one is the author.
    signers: Vec<&'a Signer>,
    /// In which term each signer sits.
    seats: Vec<Option<usize>>,
}

/// What a search for a seat has looked at.
#[derive(Default)]
struct Visited {
    places: BTreeSet<(usize, usize)>,
    terms: BTreeSet<usize>,
}

impl<'a> Seating<'a> {
    /// Nobody sits yet. `signers` begins with the author.
    pub(super) fn new(terms: &'a [Term], signers: Vec<&'a Signer>) -> Seating<'a> {
        let seats = vec![None; signers.len()];
        Seating { terms, signers, seats }
    }

    /// Whether every seat is taken.
    pub(super) fn is_full(&self) -> bool {
        let seats: usize = self.terms.iter().map(|term| term.count).sum();
        self.seats.iter().flatten().count() == seats
    }

    /// Seats one more signer, if all that sit can keep a seat.
    pub(super) fn seat(&mut self, signer: usize) -> bool {
        self.find_seat(signer, &mut Visited::default())
    }

    /// Recurses once per seated signer at most: there are no more of these than a policy asks for
    /// signatures.
    fn find_seat(&mut self, signer: usize, visited: &mut Visited) -> bool {
        for term in 0..self.terms.len() {
            let place = (term, self.place(term, signer));
            if !self.suits(term, signer) || !visited.places.insert(place) {
                continue;
            }
            let seated = self.seated(term);
            // Who has the place gives it up, or, the place being free, anyone a seat.
            let holder = seated.iter().copied().find(|other| self.place(term, *other) == place.1);
            let free = match holder {
                Some(holder) => self.find_seat(holder, visited),
                None if !visited.terms.insert(term) => false,
                None if seated.len() < self.terms[term].count => true,
                None => seated.into_iter().any(|other| {
                    visited.places.insert((term, self.place(term, other)))
                        && self.find_seat(other, visited)
                }),
            };
            if free {
                self.seats[signer] = Some(term);
                return true;
            }
        }
        false
    }

    fn seated(&self, term: usize) -> Vec<usize> {
        (0..self.signers.len()).filter(|signer| self.seats[*signer] == Some(term)).collect()
    }

    /// The place of a signer in a term: its member's, named by the member's first signer, where
    /// members must differ; else its own.
    fn place(&self, term: usize, signer: usize) -> usize {
        if !self.terms[term].distinct {
            return signer;
        }
        let member = &self.signers[signer].member;
        self.signers.iter().position(|other| other.member == *member).unwrap_or(signer)
    }

    fn suits(&self, term: usize, signer: usize) -> bool {
        let Term { who, role, .. } = self.terms[term];
        let signer = self.signers[signer];
        let who = match who {
            Who::Owner => signer.member == self.signers[0].member,
            Who::Other => signer.member != self.signers[0].member,
            Who::Member => true,
        };
        who && role.is_none_or(|role| signer.roles.contains(&role))
    }
}
