//! A catalogue in pieces, each small enough for one request and one commit.

use super::{Catalogue, Offer, Publisher, Sku};

impl Catalogue {
    /// Pieces of at most `most` entries each (at least 4), which together say the same.
    ///
    /// An entry stands in each piece that has something below it; so pieces can be sent in any order, and again.
    #[must_use]
    pub fn batches(self, most: usize) -> Vec<Self> {
        let mut batches = Batches { done: Vec::new(), open: Self::default(), entries: 0, most: most.max(4) };
        for publisher in self.publishers {
            if publisher.offers.is_empty() {
                batches.add(&publisher, None);
            }
            for offer in &publisher.offers {
                if offer.skus.is_empty() {
                    batches.add(&publisher, Some((offer, None)));
                }
                for sku in &offer.skus {
                    let most = batches.most - 3;
                    let mut rest = sku.versions.as_slice();
                    loop {
                        let (piece, left) = rest.split_at(rest.len().min(most));
                        let piece = Sku { versions: piece.to_vec(), ..sku.clone() };
                        batches.add(&publisher, Some((offer, Some(piece))));
                        rest = left;
                        if rest.is_empty() {
                            break;
                        }
                    }
                }
            }
        }
        batches.end()
    }
}

struct Batches {
    done: Vec<Catalogue>,
    open: Catalogue,
    entries: usize,
    most: usize,
}

impl Batches {
    fn add(&mut self, publisher: &Publisher, below: Option<(&Offer, Option<Sku>)>) {
        let sku = below.as_ref().and_then(|(_, sku)| sku.as_ref());
        // As if the publisher and the offer were new in the piece.
        let entries = 3 + sku.map_or(0, |sku| sku.versions.len());
        let stands_there = sku.is_some_and(|sku| {
            let last = self.open.publishers.last().and_then(|publisher| publisher.offers.last());
            last.and_then(|offer| offer.skus.last()).is_some_and(|last| last.name == sku.name)
        });
        if self.entries > 0 && (self.entries + entries > self.most || stands_there) {
            self.done.push(std::mem::take(&mut self.open));
            self.entries = 0;
        }
        self.entries += entries;
        let open = &mut self.open.publishers;
        if open.last().is_none_or(|last| last.name != publisher.name) {
            open.push(Publisher { name: publisher.name.clone(), offers: Vec::new() });
        }
        let Some((offer, sku)) = below else { return };
        let Some(offers) = open.last_mut().map(|publisher| &mut publisher.offers) else { return };
        if offers.last().is_none_or(|last| last.name != offer.name) {
            offers.push(Offer { name: offer.name.clone(), skus: Vec::new() });
        }
        if let (Some(sku), Some(last)) = (sku, offers.last_mut()) {
            last.skus.push(sku);
        }
    }

    fn end(mut self) -> Vec<Catalogue> {
        if self.entries > 0 {
            self.done.push(self.open);
        }
        self.done
    }
}
