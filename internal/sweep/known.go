package sweep

import "hash/maphash"

// What moves in a list moves by a few places. The ids of the last few pages suffice to recognize it;
// those of a whole list would not fit in bounded memory.
const (
	keptPages = 4
	leastKept = 64
)

// known holds the hashes of the ids delivered last, each once.
type known struct {
	seed maphash.Seed
	ids  map[uint64]struct{}
	ring []uint64
	most int // of ids kept
	next int // the place in the ring to fill next
}

func newKnown(size int) known {
	k := known{seed: maphash.MakeSeed(), ids: make(map[uint64]struct{}), most: leastKept}
	k.hold(size)
	return k
}

// hold makes room for pages of this size, too.
func (k *known) hold(size int) { k.most = max(k.most, keptPages*size) }

func (k *known) has(id uint64) bool {
	_, ok := k.ids[id]
	return ok
}

// add makes an id known, and forgets the oldest where there is no more room.
func (k *known) add(id uint64) {
	if k.has(id) {
		return
	}
	k.ids[id] = struct{}{}
	if len(k.ring) < k.most {
		k.ring = append(k.ring, id)
		return
	}
	delete(k.ids, k.ring[k.next])
	k.ring[k.next] = id
	k.next = (k.next + 1) % len(k.ring)
}

// pages is how many pages of this size the known ids reach back.
func (k *known) pages(size int) int { return k.most / size }

// hashes returns the identities of the items of a page.
func (s *sweep[T]) hashes(page *Page[T]) []uint64 {
	if page.hashes != nil {
		return page.hashes
	}
	var hash maphash.Hash
	hash.SetSeed(s.known.seed)
	page.hashes = make([]uint64, len(page.Items))
	for i := range page.Items {
		hash.Reset()
		s.source.Write(&hash, &page.Items[i])
		page.hashes[i] = hash.Sum64()
	}
	return page.hashes
}

// print is the fingerprint of a page: of its ids in their order. It is never 0.
func print(ids []uint64) uint64 {
	const prime = 1099511628211
	sum := uint64(14695981039346656037)
	for _, id := range ids {
		sum = (sum ^ id) * prime
		sum ^= sum >> 29
	}
	return max(1, sum)
}
