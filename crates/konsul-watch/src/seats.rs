//! Numbered seats: who waits. Lists of waiting readers name seats by number, so a reader costs a list four
//! bytes.

use std::sync::Arc;

use konsul_types::Index;
use smallvec::SmallVec;

use crate::slot::Slot;

/// A seat's number. Given again after its reader left, so it means something only together with the reader's
/// slot.
pub(crate) type SeatId = u32;

/// Seats whose readers wait for the same thing, in no promised order.
pub(crate) type List = SmallVec<[SeatId; 4]>;

enum Seat {
    Free { next: Option<SeatId> },
    Taken(Taken),
}

/// A waiting reader.
pub(crate) struct Taken {
    slot: Arc<Slot>,
    /// Sets up to here are not news to it.
    after: Index,
    /// Where in its list its number stands, so that it leaves without a search.
    position: u32,
}

/// All seats.
#[derive(Default)]
pub(crate) struct Seats {
    seats: Vec<Seat>,
    free: Option<SeatId>,
    taken: usize,
}

impl Seats {
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// Seats a reader and enters it into `list`.
    pub(crate) fn sit(&mut self, list: &mut List, slot: Arc<Slot>, after: Index) -> SeatId {
        let position = narrow(list.len());
        let seat = Seat::Taken(Taken { slot, after, position });
        let id = match self.free {
            Some(id) => {
                if let Seat::Free { next } = std::mem::replace(&mut self.seats[id as usize], seat) {
                    self.free = next;
                }
                id
            }
            None => {
                self.seats.push(seat);
                narrow(self.seats.len() - 1)
            }
        };
        self.taken += 1;
        list.push(id);
        id
    }

    /// Whether the reader with this slot still sits there; false once it was told the news.
    pub(crate) fn holds(&self, id: SeatId, slot: &Arc<Slot>) -> bool {
        matches!(self.seats.get(id as usize), Some(Seat::Taken(seat)) if Arc::ptr_eq(&seat.slot, slot))
    }

    /// Makes sets up to `after` no news to the reader in this seat.
    pub(crate) fn raise(&mut self, id: SeatId, after: Index) {
        if let Some(Seat::Taken(seat)) = self.seats.get_mut(id as usize) {
            seat.after = seat.after.max(after);
        }
    }

    /// Frees the seat and takes its number out of `list`, in which it stands.
    pub(crate) fn leave(&mut self, list: &mut List, id: SeatId) {
        let Some(taken) = self.free_up(id) else { return };
        list.swap_remove(taken.position as usize);
        self.place(list, taken.position as usize);
    }

    /// Takes those out of `list` for whom an entry at `index` is news, in the list's order. Answers how many
    /// it looked at.
    pub(crate) fn call(&mut self, list: &mut List, index: Index, called: &mut Vec<Arc<Slot>>) -> usize {
        let looked_at = list.len();
        list.retain(|id| match &self.seats[*id as usize] {
            Seat::Taken(seat) if seat.after >= index => true,
            _ => {
                called.extend(self.free_up(*id).map(|taken| taken.slot));
                false
            }
        });
        // Rare: only readers who asked for an index that is not reached yet stay.
        (0..list.len()).for_each(|position| self.place(list, position));
        self.forget_when_empty();
        looked_at
    }

    /// Frees every seat, in the order of their numbers.
    pub(crate) fn call_all(&mut self, called: &mut Vec<Arc<Slot>>) {
        let seats = std::mem::take(self).seats;
        called.extend(seats.into_iter().filter_map(|seat| match seat {
            Seat::Taken(taken) => Some(taken.slot),
            Seat::Free { .. } => None,
        }));
    }

    /// Gives memory back after a crowd has left.
    pub(crate) fn forget_when_empty(&mut self) {
        if self.taken == 0 && self.seats.capacity() > 64 {
            *self = Self::default();
        }
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.seats.capacity()
    }

    fn free_up(&mut self, id: SeatId) -> Option<Taken> {
        let free = Seat::Free { next: self.free };
        match std::mem::replace(self.seats.get_mut(id as usize)?, free) {
            Seat::Taken(taken) => {
                self.free = Some(id);
                self.taken -= 1;
                Some(taken)
            }
            was @ Seat::Free { .. } => {
                self.seats[id as usize] = was;
                None
            }
        }
    }

    /// Notes where in the list a number stands after it moved.
    fn place(&mut self, list: &List, position: usize) {
        let Some(&id) = list.get(position) else { return };
        if let Some(Seat::Taken(seat)) = self.seats.get_mut(id as usize) {
            seat.position = narrow(position);
        }
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("the bounds on readers keep seats below four thousand million")
}
