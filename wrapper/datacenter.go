package d365backup

import (
	"slices"
	"strings"
)

// DataCenter is a location where the vendor runs the service. The list is from the vendor's pages after version v1, which
// do not list Dynamics 365 backup among the products in the Google Cloud data centers (codes "gcp-…").
type DataCenter struct {
	// Code is the value for WithDataCenter, such as "us".
	Code string
	// Name is the location, such as "US East".
	Name string
	// URL is the base URL of the API.
	URL string
	// TokenURL is the token endpoint of its environment.
	TokenURL string
}

// The token endpoints of the four environments.
const (
	tokenURLCommercial = "https://identity.avepointonlineservices.com/connect/token"
	tokenURLGov        = "https://identity-gov.avepointonlineservices.com/connect/token"
	tokenURLAOS2       = "https://identity-aos2.avepointonlineservices.com/connect/token"
	tokenURLFedRAMP    = "https://identity.online15.net/connect/token"
)

// legacyURL is the single host at the time of version v1. It is not a data center, but its token endpoint is known.
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
	// The vendor documents a host but no code for FedRAMP; this code is our own.
	{Code: "fedramp", Name: "FedRAMP (Project Hosts)", URL: "https://graphusgovapi.online15.net", TokenURL: tokenURLFedRAMP},
}

func regional(code, name, tokenURL string) DataCenter {
	return DataCenter{Code: code, Name: name, URL: "https://graph-" + code + ".avepointonlineservices.com", TokenURL: tokenURL}
}

// DataCenters returns every data center that WithDataCenter accepts, in the order of the vendor's list. The caller may
// change the slice.
func DataCenters() []DataCenter { return slices.Clone(dataCenters) }

// findDataCenter returns the data center of WithDataCenter or WithBaseURL; for an unknown address only its URL.
func (c *config) findDataCenter() (DataCenter, error) {
	switch {
	case c.dataCenter != "" && c.baseURL != "":
		return DataCenter{}, configError("both WithDataCenter and WithBaseURL are given: choose one")
	case c.dataCenter == "" && c.baseURL == "":
		return DataCenter{}, badSetting("WithDataCenter", "missing: choose the data center that holds the backups, such as \"us\"")
	}
	url := strings.TrimSuffix(c.baseURL, "/")
	var codes []string
	for _, d := range dataCenters {
		if d.Code == c.dataCenter || d.URL == url {
			return d, nil
		}
		codes = append(codes, d.Code)
	}
	switch url {
	case "":
		return DataCenter{}, badSetting("WithDataCenter", "data center %q does not exist: use one of %s",
			excerpt(c.dataCenter, 64), strings.Join(codes, ", "))
	case legacyURL:
		return DataCenter{URL: url, TokenURL: tokenURLCommercial}, nil
	}
	return DataCenter{URL: url}, nil
}
