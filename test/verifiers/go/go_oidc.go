package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/coreos/go-oidc"
)

func main() {
	keys := oidc.NewRemoteKeySet(context.Background(), os.Getenv("JWKS"))
	verifier := oidc.NewVerifier(os.Getenv("ISSUER"), keys, &oidc.Config{
		ClientID:             os.Getenv("AUDIENCE"),
		SupportedSigningAlgs: []string{os.Getenv("ALG")},
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		token, err := verifier.Verify(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		var claims struct{ Username string }
		if err == nil {
			err = token.Claims(&claims)
		}
		if err != nil {
			http.Error(w, err.Error(), 401)
			return
		}
		fmt.Fprint(w, claims.Username)
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
