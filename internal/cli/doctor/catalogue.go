package doctor

// Diagnosis is something that the doctor can say, for the catalogue in docs/errors.md.
type Diagnosis struct {
	Code, Title, Side, Meaning string
	// Next are the things to try, and Alike the codes of what looks the same.
	Next, Alike []string
}

// Catalogue returns all that the doctor can say, in the order of the steps that find it.
func Catalogue() (all []Diagnosis) {
	for _, d := range diagnoses {
		all = append(all, Diagnosis{d.code, d.title, d.side.words(), d.meaning, d.next, d.alike})
	}
	return all
}
