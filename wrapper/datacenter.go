package d365backup

import "slices"

// DataCenter is a place where the vendor runs the service, with the addresses that belong to it. The
// list is the vendor's, from pages later than version v1. Those pages do not list Dynamics 365 backup among the products in
// the Google Cloud data centers, whose codes begin with "gcp-".
type DataCenter struct {
	// Code is the name that WithDataCenter takes, such as "us".
	Code string
	// Name is where it is, such as "US East".
	Name string
	// URL is the base of the API.
	URL string
	// TokenURL is the token endpoint of the environment that it belongs to.
	TokenURL string
}

// The token endpoints of the four environments.
const (
	tokenURLCommercial = "https://identity.avepointonlineservices.com/connect/token"
	tokenURLGov        = "https://identity-gov.avepointonlineservices.com/connect/token"
	tokenURLAOS2       = "https://identity-aos2.avepointonlineservices.com/connect/token"
	tokenURLFedRAMP    = "https://identity.online15.net/connect/token"
)

// legacyURL is the single host of the time of version v1. It is no data centre, but its token
// endpoint is known.
const legacyURL = "https://graph.avepointonlineservices.com"

var dataCenters = []DataCenter{
	regional("au", "Australia", tokenURLCommercial),
	regional("sg", "Singapore", tokenURLCommercial),
	regional("ca", "Canada Central", tokenURLCommercial),
	regional("ne", "Ireland", tokenURLCommercial),
	regional("we", "Netherlands", tokenURLCommercial),
	regional("fr", "France Central", tokenURLCommercial),
	regional("de", "Germany West Central", tokenURLCommercial),
	regional("jp", "Japan West", tokenURLCommercial),
	regional("kr", "Korea Central", tokenURLCommercial),
	regional("ch", "Switzerland North", tokenURLCommercial),
	regional("uk", "UK South", tokenURLCommercial),
	regional("us", "US East", tokenURLCommercial),
	regional("uae", "United Arab Emirates", tokenURLCommercial),
	regional("za", "South Africa North", tokenURLCommercial),
	regional("qa", "Qatar Central", tokenURLCommercial),
	regional("gov", "U.S. Government", tokenURLGov),
	regional("aos2", "AOS2", tokenURLAOS2),
	regional("gcp-au", "Google Cloud, Sydney", tokenURLCommercial),
	regional("gcp-jp", "Google Cloud, Tokyo", tokenURLCommercial),
	regional("gcp-us", "Google Cloud, Moncks Corner", tokenURLCommercial),
	regional("gcp-we", "Google Cloud, Eemshaven", tokenURLCommercial),
	regional("gcp-kr", "Google Cloud, Seoul", tokenURLCommercial),
	// The vendor gives FedRAMP a host but no code; this one is ours.
	{Code: "fedramp", Name: "FedRAMP (Project Hosts)", URL: "https://graphusgovapi.online15.net", TokenURL: tokenURLFedRAMP},
}

func regional(code, name, tokenURL string) DataCenter {
	return DataCenter{Code: code, Name: name, URL: "https://graph-" + code + ".avepointonlineservices.com", TokenURL: tokenURL}
}

// DataCenters returns every data centre that WithDataCenter takes, in the order of the vendor's list. The
// slice is the caller's.
func DataCenters() []DataCenter { return slices.Clone(dataCenters) }

func findDataCenter(matches func(DataCenter) bool) (DataCenter, bool) {
	i := slices.IndexFunc(dataCenters, matches)
	if i < 0 {
		return DataCenter{}, false
	}
	return dataCenters[i], true
}
