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
	return known{seed: maphash.MakeSeed(), ids: make(map[uint64]struct{}), most: max(leastKept, keptPages*size)}
}

func (k *known) has(id uint64) bool {
	_, ok := k.ids[id]
	return ok
}

// add makes ids known, and forgets as many of the oldest where there is no more room.
func (k *known) add(ids []uint64) {
	for _, id := range ids {
		if k.has(id) {
			continue
		}
		k.ids[id] = struct{}{}
		if len(k.ring) < k.most {
			k.ring = append(k.ring, id)
			continue
		}
		delete(k.ids, k.ring[k.next])
		k.ring[k.next] = id
		k.next = (k.next + 1) % len(k.ring)
	}
}

// pages is how many pages of this size the known ids reach back.
func (k *known) pages(size int) int { return k.most / size }

func (s *sweep[T]) hashes(items []T) []uint64 {
	hashes := make([]uint64, len(items))
	for i := range items {
		hashes[i] = maphash.String(s.known.seed, s.source.ID(&items[i]))
	}
	return hashes
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
