package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"strings"

	"github.com/golang-jwt/jwt"
)

type published struct{ Kid, Kty, Crv, X, Y, N, E string }

func number(text string) *big.Int {
	bytes, _ := base64.RawURLEncoding.DecodeString(text)
	return new(big.Int).SetBytes(bytes)
}

// The library has no key sets: this is what a service has to bring.
func fetch(kid string) (interface{}, error) {
	answer, err := http.Get(os.Getenv("JWKS"))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var set struct{ Keys []published }
	if err := json.NewDecoder(answer.Body).Decode(&set); err != nil {
		return nil, err
	}
	for _, key := range set.Keys {
		if key.Kid != kid {
			continue
		}
		switch key.Kty {
		case "EC":
			return &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(key.X), Y: number(key.Y)}, nil
		case "OKP":
			bytes, err := base64.RawURLEncoding.DecodeString(key.X)
			return ed25519.PublicKey(bytes), err
		case "RSA":
			return &rsa.PublicKey{N: number(key.N), E: int(number(key.E).Int64())}, nil
		}
	}
	return nil, fmt.Errorf("no key %q", kid)
}

func claimsOf(token string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	parser := jwt.Parser{ValidMethods: []string{os.Getenv("ALG")}}
	_, err := parser.ParseWithClaims(token, claims, func(token *jwt.Token) (interface{}, error) {
		kid, _ := token.Header["kid"].(string)
		return fetch(kid)
	})
	if err == nil && !claims.VerifyIssuer(os.Getenv("ISSUER"), true) {
		err = fmt.Errorf("another issuer")
	}
	if err == nil && !claims.VerifyAudience(os.Getenv("AUDIENCE"), true) {
		err = fmt.Errorf("another audience")
	}
	return claims, err
}

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		claims, err := claimsOf(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if err != nil {
			http.Error(w, err.Error(), 401)
			return
		}
		fmt.Fprint(w, claims["username"])
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
